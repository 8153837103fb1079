"""What is to be seen on each picture: one scene for each page and state, in the table `SCENES`.

A scene signs in whom it needs and leads to its page; the pictures are then taken light and dark,
wide and narrow (see `__main__`). Add one: write a function with `@scene("name", ...)`, take its
pictures, and docs/gallery.md shows them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from tests.browser import steps

SCENES: dict[str, Scene] = {}


Edit = Callable[[str], str]
Show = Callable[[Page], Locator | None]


@dataclass(frozen=True)
class Scene:
    """One page in one state."""

    name: str
    what: str
    show: Show
    """Leads to the page; returns what the pictures begin with, if that is not the page's head."""
    edit: Edit | None
    """What the catalogue has to say for it, from what the demo's says."""


def scene(name: str, what: str, *, edit: Edit | None = None) -> Callable[[Show], Show]:
    """Register a function that leads a fresh browser to the page; ``what`` is its caption."""

    def register(show: Show) -> Show:
        SCENES[name] = Scene(name, what, show, edit)
        return show

    return register


@scene("sign-in", "Signing in: the brand and one button.")
def _sign_in(page: Page) -> None:
    page.goto("/hub/login")
    expect(page.get_by_role("link", name="Sign in with")).to_be_visible()


@scene("menu", "The menu: what one wants to do and with what, and which image and profile to take.")
def _menu(page: Page) -> None:
    steps.sign_in(page, "Ana")
    steps.open_menu(page)
    page.get_by_label("Train a model").check()
    expect(page.locator("#st-fits")).to_contain_text("images fit")


@scene("menu-profiles", "GPU profiles with what is free now.")
def _menu_profiles(page: Page) -> Locator:
    steps.sign_in(page, "Ana")
    steps.open_menu(page)
    return page.locator("#st-profiles")


@scene("menu-images", "Images with what they provide, their size, age and health.")
def _menu_images(page: Page) -> Locator:
    steps.sign_in(page, "Ana")
    steps.open_menu(page)
    expect(page.get_by_text("Its last check failed").first).to_be_visible()
    return page.locator("#st-images")


@scene("menu-others", "A student's profiles, quotas, and what is for others.")
def _menu_others(page: Page) -> Locator:
    steps.sign_in(page, "Ben")
    steps.open_menu(page)
    page.get_by_text("Profiles for others").click()
    return page.get_by_text("Profiles for others")


@scene("menu-link", "A link has filled the menu in, and started nothing.")
def _menu_link(page: Page) -> None:
    steps.sign_in(page, "Ana")
    page.goto("/hub/spawn?opt-image=pytorch-2.8&opt-profile=mig-1g.10gb&opt-task=explore")
    expect(page.get_by_role("status").first).to_contain_text("Nothing was started")


@scene("menu-refused", "What cannot be is refused with the reason.")
def _menu_refused(page: Page) -> None:
    steps.sign_in(page, "Ana")
    page.goto("/hub/spawn?opt-profile=gpu&opt-colour=red")
    expect(page.get_by_role("alert")).to_contain_text("there is no option")


def _with_locks(catalogue: str) -> str:
    lock = "{profile: cpu, groups: [students], message: GPUs are for members of the lab.}"
    return catalogue.replace("\nmenu:\n", f"\nmenu:\n  locked: [{lock}]\n", 1)


@scene("menu-locked", "A field that administrators fixed, with its value.", edit=_with_locks)
def _menu_locked(page: Page) -> Locator:
    steps.sign_in(page, "Ben")
    steps.open_menu(page)
    return page.locator("#st-profiles")


@scene("not-running", "The address of a workspace that does not run.")
def _not_running(page: Page) -> None:
    steps.sign_in(page, "nina")
    page.goto("/user/nina/lab")
    expect(page.get_by_role("heading", name="is not running")).to_be_visible()


@scene("sign-in-refused", "A sign-in that the hub did not begin.")
def _sign_in_refused(page: Page) -> None:
    steps.sign_in_by_a_strangers_link(page, "Carla")


@scene("tokens", "JupyterHub's own page of API tokens stands in the same frame.")
def _tokens(page: Page) -> None:
    steps.sign_in(page, "Ana")
    page.goto("/hub/token")
    page.wait_for_load_state("networkidle")


@scene("not-found", "An address where there is nothing.")
def _not_found(page: Page) -> None:
    steps.sign_in(page, "Ana")
    page.goto("/hub/nothing-here")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()


def _with_a_workspace(page: Page, name: str, image: str, profile: str) -> None:
    """Somebody's workspace, started in a browser of their own, for lists that show it."""
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(base_url=page.url.split("/hub")[0], reduced_motion="reduce")
    other = context.new_page()
    steps.sign_in(other, name)
    if other.locator("[data-state='running']").count() == 0:
        steps.open_menu(other)
        steps.choose(other, image=image, profile=profile)
        steps.start(other)
        other.wait_for_url(re.compile("/user/"), timeout=steps.START_MS)
    context.close()


def _administration(page: Page, path: str = "") -> None:
    steps.sign_in(page, "Carla")
    _with_a_workspace(page, "dora", "pytorch-2.9", "gpu")
    _with_a_workspace(page, "emil", "pytorch-nightly", "mig-1g.10gb")
    page.goto(f"/hub/studiolo/admin{path}")


@scene("admin", "Administration: what is wrong, who holds what, who waits.")
def _admin(page: Page) -> None:
    _administration(page)
    expect(page.locator("[data-alarm]").first).to_be_visible()


@scene("admin-workspaces", "Everybody's workspaces, with a filter and a stop.")
def _admin_workspaces(page: Page) -> None:
    _administration(page, "/workspaces")
    expect(page.locator("tr[data-user='dora']")).to_be_visible()


@scene("admin-gpus", "GPUs by kind, machine and holder.")
def _admin_gpus(page: Page) -> None:
    _administration(page, "/gpus")
    expect(page.locator(".st-holders").first).to_be_visible()


@scene("admin-images", "How the images fare, bad ones first.")
def _admin_images(page: Page) -> None:
    _administration(page, "/images")
    expect(page.locator("[data-standing='bad']").first).to_be_visible()


@scene("sign-out", "Before signing out: what becomes of each workspace.")
def _sign_out(page: Page) -> None:
    steps.sign_in(page, "fay")
    _with_a_workspace(page, "fay", "python-3.13", "cpu")
    page.goto("/hub/logout")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def _ready(page: Page, name: str, *, image: str = "python-3.13", profile: str = "cpu") -> None:
    """Have somebody's workspace run, whether or not it does already."""
    steps.sign_in(page, name)
    page.goto("/hub/home")
    if page.get_by_role("link", name="Choose and start").first.is_visible():
        steps.open_menu(page)
        steps.choose(page, image=image, profile=profile)
        steps.start(page)
        steps.wait_for_lab(page)
    page.goto("/hub/home")
    expect(page.get_by_text("Running for").first).to_be_visible(timeout=steps.START_MS)


@scene("home", "My workspaces: what runs, what its GPU does, and when it will be stopped.")
def _home(page: Page) -> None:
    _ready(page, "Ana", image="pytorch-2.9", profile="mig-1g.10gb")
    # A workspace tells what its GPU does soon after its start, and then every minute.
    expect(page.get_by_text("GPU use")).to_be_visible(timeout=120_000)
    page.get_by_text("More").first.click()


@scene("home-fallback", "Another image runs than the one that was asked for, and why.")
def _home_fallback(page: Page) -> None:
    _ready(page, "Carla", image="pytorch-nightly")


@scene("waiting", "Waiting: the steps with their times, and a way out.")
def _waiting(page: Page) -> None:
    steps.sign_in(page, "Ben")
    page.goto("/hub/home")
    if page.get_by_role("link", name="Choose and start").first.is_visible():
        steps.open_menu(page)
        steps.choose(page, image="tensorflow-preview", profile="gpu")
        steps.start(page)
    page.goto("/hub/spawn-pending/ben")
    expect(page.locator("#st-steps")).to_contain_text("waiting for JupyterLab to answer")


@scene("last-start", "Log and events of the last start.")
def _last_start(page: Page) -> None:
    _ready(page, "Ana", image="pytorch-2.9", profile="mig-1g.10gb")
    page.goto("/hub/studiolo/workspaces/ana/log")


@scene("delete-files", "Deleting files: named, explained, and confirmed by typing.")
def _delete_files(page: Page) -> None:
    _ready(page, "Ana", image="pytorch-2.9", profile="mig-1g.10gb")
    page.goto("/hub/studiolo/workspaces/ana/remove")


@scene("menu-own-image", "An image of one's own, checked while one types.")
def _menu_own_image(page: Page) -> Locator:
    steps.sign_in(page, "nina")
    steps.open_menu(page)
    page.locator("label[for='st-image-custom-image']").click()
    page.get_by_label("Reference").fill("registry.studiolo.test/pytorch:2.8.0-cuda12.6")
    expect(page.locator("#st-custom-result")).to_contain_text("can be started")
    return page.locator("label[for='st-image-custom-image']")


@scene("waiting-line", "Waiting for GPUs: why, with whom in line, and what could be had instead.")
def _waiting_line(page: Page) -> None:
    steps.sign_in(page, "gus")
    for name in ("hal", "ivy"):
        _with_a_workspace(page, name, "pytorch-2.9", "amd")
    steps.open_menu(page)
    steps.choose(page, image="pytorch-2.9", profile="amd")
    steps.start(page)
    expect(page.locator("#st-steps")).to_contain_text("are in use")
    expect(page.locator("#st-offers")).to_be_visible()


@scene("waiting-fallback", "A bad image: which, why, and what is tried instead.")
def _waiting_fallback(page: Page) -> Locator:
    steps.sign_in(page, "kim")
    steps.open_menu(page)
    steps.choose(page, image="tensorflow-preview", profile="cpu")
    steps.start(page)
    expect(page.locator("#st-steps")).to_contain_text("instead")
    return page.locator("#st-steps li", has_text="could not be used")


def _fail_a_start(page: Page) -> None:
    """Ask for an image that is broken, and for no other."""
    steps.open_menu(page)
    steps.choose(page, image="pytorch-rc", profile="cpu")
    page.get_by_label("only this image").check()
    steps.start(page)
    # On the waiting page or, if it failed at once, on the menu again.
    expect(page.get_by_role("alert")).to_contain_text("No image could be started")


@scene("start-failed", "A start that failed: every image that was tried, why not, what to do.")
def _start_failed(page: Page) -> None:
    steps.sign_in(page, "lea")
    _fail_a_start(page)
    page.goto("/hub/spawn-pending/lea")
    expect(page.locator("#st-failure")).to_be_visible()


@scene("home-failed", "A start that failed, with its story.")
def _home_failed(page: Page) -> None:
    steps.sign_in(page, "lea")
    if page.locator("[data-state='failed']").count() == 0:
        _fail_a_start(page)
        page.goto("/hub/home")
    expect(page.locator("[data-state='failed']")).to_be_visible()


@scene("home-empty", "The home page of somebody who is here for the first time.")
def _home_empty(page: Page) -> None:
    steps.sign_in(page, "nina")
    page.goto("/hub/home")
    expect(page.get_by_role("link", name="Choose and start").first).to_be_visible()


@scene("restart", "Restarting with another choice: nothing is stopped for one that is refused.")
def _restart(page: Page) -> None:
    _ready(page, "Ana", image="pytorch-2.9", profile="mig-1g.10gb")
    page.goto("/hub/studiolo/workspaces/ana/change")
    expect(page.locator("#st-menu")).to_be_visible()


@scene("signed-out", "After signing out: what became of each workspace.")
def _signed_out(page: Page) -> None:
    _ready(page, "fay")
    page.goto("/hub/logout")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading").first).to_be_visible()


@scene("admin-catalogue", "What the catalogue allows to whom.")
def _admin_catalogue(page: Page) -> None:
    _administration(page, "/catalogue")


def _with_a_mistake(catalogue: str) -> str:
    return catalogue.replace("profile: gpu\n", "profile: gpus\n", 1)


@scene(
    "admin-catalogue-error",
    "A mistake in the catalogue: where, what and what to do; the last good one counts on.",
    edit=_with_a_mistake,
)
def _admin_catalogue_error(page: Page) -> None:
    steps.sign_in(page, "Carla")
    page.goto("/hub/home")
    expect(page.locator("#st-catalogue-problem")).to_be_visible()


@scene("admin-people", "People, with their workspaces and volumes behind them.")
def _admin_people(page: Page) -> None:
    _administration(page, "/people")


@scene("admin-person", "One person: workspaces, volumes, groups.")
def _admin_person(page: Page) -> None:
    _administration(page, "/people/dora")


@scene("admin-volumes", "Volumes, and whose they are.")
def _admin_volumes(page: Page) -> None:
    _administration(page, "/volumes")


@scene("forbidden", "An administrator's page, asked for by somebody else.")
def _forbidden(page: Page) -> None:
    steps.sign_in(page, "Ana")
    page.goto("/hub/studiolo/admin")
