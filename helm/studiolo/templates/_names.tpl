{{- /* Every name in one place. */ -}}
{{- define "studiolo.hub" }}{{ .Release.Name }}-hub{{ end }}
{{- define "studiolo.proxy" }}{{ .Release.Name }}-proxy{{ end }}
{{- define "studiolo.proxyApi" }}{{ .Release.Name }}-proxy-api{{ end }}
{{- define "studiolo.dex" }}{{ .Release.Name }}-dex{{ end }}
{{- define "studiolo.prePull" }}{{ .Release.Name }}-pre-pull{{ end }}
{{- define "studiolo.workspaces" }}{{ .Release.Name }}-workspaces{{ end }}
{{- define "studiolo.secrets" }}{{ .Release.Name }}-secrets{{ end }}
{{- define "studiolo.catalogue" }}{{ .Release.Name }}-catalogue{{ end }}
{{- define "studiolo.workspaceNamespace" }}{{ ternary "" .Values.workspaces.namespace .Values.workspaces.perUser.enabled | default .Release.Namespace }}{{ end }}

{{- /* The namespaces that people have of their own. */ -}}
{{- define "studiolo.prefix" }}{{ .Values.workspaces.perUser.prefix | default (printf "%s-" .Release.Namespace) }}{{ end }}
{{- define "studiolo.hubLabels" -}}
studiolo.dev/hub: {{ include "studiolo.hub" . }}
studiolo.dev/hub-namespace: {{ .Release.Namespace }}
{{- end }}
{{- define "studiolo.ofNamespaces" }}{{ .Release.Namespace }}-{{ include "studiolo.workspaces" . }}{{ end }}

{{- /* Labels of the namespace or namespaces in which workspaces run. */ -}}
{{- define "studiolo.workspaceNamespaces" -}}
{{- if .Values.workspaces.perUser.enabled }}
{{- include "studiolo.hubLabels" . }}
{{- else -}}
kubernetes.io/metadata.name: {{ include "studiolo.workspaceNamespace" . }}
{{- end }}
{{- end }}

{{- define "studiolo.labels" -}}
app.kubernetes.io/name: studiolo
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "studiolo.selector" -}}
app.kubernetes.io/name: studiolo
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Pods of workspaces, as KubeSpawner labels them. */ -}}
{{- define "studiolo.workspaceSelector" -}}
app.kubernetes.io/component: singleuser-server
{{- end }}

{{- define "studiolo.image" -}}
{{ .root.Values.images.registry }}/{{ .name }}:{{ .root.Values.images.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "studiolo.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What the "restricted" Pod Security Standard wants, and a read-only root file system. */ -}}
{{- define "studiolo.podSecurity" -}}
automountServiceAccountToken: {{ .token }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}
{{- define "studiolo.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* The address that people use, taken apart. */ -}}
{{- define "studiolo.host" }}{{ (urlParse .Values.url).host | splitList ":" | first }}{{ end }}
{{- define "studiolo.path" }}{{ (urlParse .Values.url).path | trimSuffix "/" }}{{ end }}
{{- define "studiolo.testAccount" }}helm-test@studiolo.invalid{{ end }}
{{- define "studiolo.ownDex" }}{{ if not .Values.signIn.issuer }}true{{ end }}{{ end }}
