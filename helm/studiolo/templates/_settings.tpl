{{- /* The hub's settings file (docs/settings.md) from the values; hub.settings has the last word. */ -}}
{{- define "studiolo.settings" }}
{{- $host := printf "%s.%s.svc" (include "studiolo.hub" .) .Release.Namespace }}
{{- $signIn := dict
  "client_id" .Values.signIn.clientId
  "username_claim" .Values.signIn.usernameClaim
  "allowed_groups" .Values.signIn.allowedGroups
  "allowed_users" .Values.signIn.allowedUsers
  "allow_all" .Values.signIn.allowAll
  "admin_groups" .Values.signIn.adminGroups
  "admin_users" .Values.signIn.adminUsers
  "callback_url" (printf "%s/hub/oauth_callback" (trimSuffix "/" .Values.url)) }}
{{- if and .Values.test.account (eq .Values.signIn.usernameClaim "email") }}
{{- $_ := set $signIn "allowed_users" (append .Values.signIn.allowedUsers (include "studiolo.testAccount" .)) }}
{{- end }}
{{- $extra := dict }}
{{- if include "studiolo.ownDex" . }}
{{- $outside := printf "%s/dex" (trimSuffix "/" .Values.url) }}
{{- $inside := printf "http://%s.%s.svc:5556%s/dex" (include "studiolo.dex" .) .Release.Namespace (include "studiolo.path" .) }}
{{- $_ := set $signIn "issuer" $outside }}
{{- /* Browsers go by the proxy, the hub stays inside the cluster. */}}
{{- $_ := set $signIn "allow_http" true }}
{{- $_ := set $signIn "endpoints" (dict "authorize" (printf "%s/auth" $outside) "token" (printf "%s/token" $inside) "userinfo" (printf "%s/userinfo" $inside)) }}
{{- $route := printf "%s/dex/" (include "studiolo.path" .) }}
{{- $_ := set $extra "Proxy" (dict "extra_routes" (dict $route (printf "http://%s.%s.svc:5556" (include "studiolo.dex" .) .Release.Namespace))) }}
{{- else }}
{{- $_ := set $signIn "issuer" .Values.signIn.issuer }}
{{- end }}
{{- $settings := dict
  "sign_in" $signIn
  "hub" (dict "bind_url" (printf "http://0.0.0.0:8000%s/" (include "studiolo.path" .)) "public_url" (printf "%s/" (trimSuffix "/" .Values.url)) "listen_ip" "0.0.0.0" "port" 8081 "connect_host" $host "state_dir" "/srv/studiolo")
  "proxy" (dict "external" true "api_url" (printf "http://%s.%s.svc:8001" (include "studiolo.proxyApi" .) .Release.Namespace))
  "workspaces" (dict "catalogue_path" "/etc/studiolo/catalogue/catalogue.yaml" "namespace" (include "studiolo.workspaceNamespace" .) "capacity" .Values.workspaces.capacity "image_pull_secrets" .Values.images.pullSecrets)
  "extra" $extra }}
{{- if .Values.workspaces.perUser.enabled }}
{{- $_ := set $settings.workspaces "user_namespaces" (include "studiolo.userNamespaces" . | fromYaml) }}
{{- end }}
{{- if .Values.workspaces.priorityClass.enabled }}
{{- $_ := set $extra "WorkspaceSpawner" (dict "priority_class_name" (include "studiolo.workspaces" .)) }}
{{- end }}
{{- mergeOverwrite $settings (deepCopy .Values.hub.settings) | toYaml }}
{{- end }}
