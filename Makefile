# Studiolo's commands. `make` alone lists them. Everything they set up stays inside this folder:
# .venv (Python and Node), build (tools, logs, compiled parts) and .demo (the demo's data).

PYTHON ?= python3
PORT ?= 8000
DATA ?= .demo
PYTEST_ARGS ?=
WORKERS ?= 3

.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help demo setup test e2e images check bench clean

# Nothing of a caller's environment may decide what is installed, or from where Python imports; and
# no process may compile the project's own modules anew at each of its many starts.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE
export UV_PYTHON_DOWNLOADS := never
export npm_config_update_notifier := false
export npm_config_fund := false
export npm_config_audit := false

VENV := .venv/bin
STEP := scripts/step
NPM := PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/npm
PROXY := hub/studiolo_local/proxy

TOOLS_READY := build/tools/.ready
PYTHON_READY := .venv/.ready
PROXY_READY := build/proxy/.ready
PANEL_PACKAGES_READY := labextension/node_modules/.ready
PANEL_READY := build/panel/.ready
PEERS_READY := build/peers/.ready
READY := $(PYTHON_READY) $(PROXY_READY) $(PANEL_PACKAGES_READY) $(PANEL_READY)

# A virtual environment holds absolute paths. In a checkout that was moved or copied, or whose Python
# has gone, what was set up before is stale however new it is.
$(foreach stamp,$(TOOLS_READY) $(READY) $(PEERS_READY),\
  $(if $(wildcard $(stamp)),$(if $(filter-out $(CURDIR),$(file <$(stamp))),$(shell rm -f $(stamp)))))
$(if $(wildcard $(TOOLS_READY)),$(shell build/tools/bin/python -c '' 2>/dev/null || rm -f $(TOOLS_READY)))
$(if $(wildcard $(PYTHON_READY)),$(shell $(VENV)/python -c '' 2>/dev/null || rm -f $(PYTHON_READY)))

help:
	@echo "make demo     Studiolo on this machine, at http://127.0.0.1:$(PORT) (another: make demo PORT=9000)"
	@echo "make test     every test, the fast ones first"
	@echo "make e2e      all of it on a real Kubernetes: that of KUBECONFIG, or one that it builds (root, Go)"
	@echo "make check    formatting, linters, types and import rules, Python and TypeScript"
	@echo "make bench    measure against plain KubeSpawner; writes build/bench.json"
	@echo "make images   build the images and push them: make images REGISTRY=registry.example.org/studiolo"
	@echo "make setup    only set up what the others need (each does so by itself)"
	@echo "make clean    remove what was set up and built; the demo's data ($(DATA)) stays"

setup: $(READY)

demo: $(READY)
	@exec $(VENV)/python -m studiolo_local demo --port $(PORT) --data $(DATA) --neighbours

# A file's tests stay together, and files keep their order: see tests/conftest.py. WORKERS=0 runs all
# in one process, which a debugger needs.
test: $(READY) $(PEERS_READY)
	@scripts/need-debian-packages pg_lsclusters:postgresql
	@$(VENV)/python -m pytest --ignore=tests/e2e -n $(WORKERS) --dist loadfile --no-loadscope-reorder \
	  $(PYTEST_ARGS)

# On the cluster of KUBECONFIG if it is set (tests/e2e/place.py says what else it wants to know), or
# on one of its own, built from Go modules: the first time takes as long as compiling it does.
e2e: $(READY)
	@scripts/need-debian-packages containerd:containerd runc:runc iptables:iptables ipset:ipset ip:iproute2 \
	  /usr/lib/cni/ptp:containernetworking-plugins buildah:buildah debootstrap:debootstrap
	@$(VENV)/python -m pytest tests/e2e --timeout=1800 $(PYTEST_ARGS)

bench: $(READY) $(PEERS_READY)
	@mkdir -p build
	@$(VENV)/python -m tests.bench --output build/bench.json

# IMAGES, BASE_IMAGE, BUILDER and VSCODE choose; without them all are built on Debian by what is there.
images: $(READY)
	@$(VENV)/python images/build.py --registry "$(or $(REGISTRY),$(error Say where they go: make images REGISTRY=registry.example.org/studiolo))" \
	  $(if $(BASE_IMAGE),--base "$(BASE_IMAGE)") $(if $(BUILDER),--builder "$(BUILDER)") $(if $(VSCODE),--vscode "$(VSCODE)") $(IMAGES)

check: $(PYTHON_READY) $(PANEL_PACKAGES_READY)
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/mypy
	$(VENV)/lint-imports
	cd labextension && PATH="$(CURDIR)/$(VENV):$$PATH" npm run --silent lint
	cd labextension && PATH="$(CURDIR)/$(VENV):$$PATH" npm run --silent typecheck
	cd labextension && PATH="$(CURDIR)/$(VENV):$$PATH" npm run --silent test

# Notebook 7, which the panel is tried in, and the panels that ours is measured against.
$(PEERS_READY): $(PYTHON_READY)
	@$(STEP) $@ "Notebook 7 and the panels to compare with" \
	  env UV_PROJECT_ENVIRONMENT=build/peers build/tools/bin/uv sync --frozen --only-group peers \
	    --python build/tools/bin/python

clean:
	rm -rf build .venv labextension/node_modules labextension/lib labextension/jupyterlab_studiolo/labextension
	@if [ -e "$(DATA)" ]; then echo "The demo's data is kept in $(DATA): remove it yourself if you mean to."; fi

$(TOOLS_READY): scripts/uv.txt scripts/make-tools
	@$(STEP) $@ "1/5 Package installer (uv)" scripts/make-tools "$(PYTHON)"

$(PYTHON_READY): $(TOOLS_READY) uv.lock pyproject.toml labextension/pyproject.toml \
  labextension/hatch_build.py $(shell find labextension/jupyter-config -type f 2>/dev/null)
	@$(STEP) $@ "2/5 Python packages, Node and kubectl (about 1 GB on disk, a minute or two)" \
	  build/tools/bin/uv sync --frozen --all-extras --compile-bytecode --python build/tools/bin/python \
	    --reinstall-package jupyterlab-studiolo

$(PROXY_READY): $(PYTHON_READY) $(PROXY)/package.json $(PROXY)/package-lock.json
	@$(STEP) $@ "3/5 The proxy before the hub" \
	  sh -c 'mkdir -p build/proxy && cp $(PROXY)/package*.json build/proxy/ && $(NPM) --prefix build/proxy ci --ignore-scripts'

$(PANEL_PACKAGES_READY): $(PYTHON_READY) labextension/package.json labextension/package-lock.json
	@$(STEP) $@ "4/5 What the JupyterLab panel is built with" \
	  sh -c '$(NPM) --prefix labextension ci --ignore-scripts'

$(PANEL_READY): $(PANEL_PACKAGES_READY) $(wildcard labextension/tsconfig.json) \
  $(shell find labextension/src labextension/style labextension/schema -type f 2>/dev/null)
	@$(STEP) $@ "5/5 The JupyterLab panel" sh -c '$(NPM) --prefix labextension run build && $(NPM) --prefix labextension run link'
