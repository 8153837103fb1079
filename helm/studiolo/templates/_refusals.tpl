{{- /* What cannot work is refused with what to set instead; all of it at once. */ -}}
{{- define "studiolo.refusals" }}
{{- $said := list }}
{{- if not (regexMatch "^https?://[^/ ]+(/[^ ?#]*)?$" .Values.url) }}
{{- $said = append $said "url: set it to the address that people use, with its scheme, such as https://studiolo.example.org" }}
{{- end }}
{{- if not .Values.images.registry }}
{{- $said = append $said "images.registry: set it to where `make images REGISTRY=…` has pushed the images" }}
{{- end }}
{{- if not .Values.catalogue }}
{{- $said = append $said "catalogue: say what people can choose; `studiolo catalogue example` prints one to begin with" }}
{{- end }}
{{- $in := .Values.signIn }}
{{- if not (or $in.allowedGroups $in.allowedUsers $in.allowAll $in.adminGroups $in.adminUsers) }}
{{- $said = append $said "signIn: nobody may sign in; set allowedGroups, allowedUsers, adminGroups, adminUsers or allowAll: true" }}
{{- end }}
{{- if and $in.issuer (not $in.secret) }}
{{- $said = append $said "signIn.secret: name the secret that holds the key client-secret for your provider" }}
{{- end }}
{{- if include "studiolo.ownDex" . }}
{{- if not (or .Values.dex.staticUsers .Values.dex.connectors) }}
{{- $said = append $said "dex: nobody is known to it; set dex.staticUsers or dex.connectors, or signIn.issuer to a provider of your own" }}
{{- end }}
{{- end }}
{{- if .Values.test.account }}
{{- if not (include "studiolo.ownDex" .) }}
{{- $said = append $said "test.account: set it to false; only the Dex of this chart can be given a person" }}
{{- else if and (ne $in.usernameClaim "email") (not $in.allowAll) }}
{{- $said = append $said "test.account: set it to false, or signIn.usernameClaim to email, by which the person would be let in" }}
{{- end }}
{{- end }}
{{- if and (eq .Values.hub.database.kind "url") (not .Values.hub.database.secret) }}
{{- $said = append $said "hub.database.secret: name the secret that holds the key url with the database's address" }}
{{- end }}
{{- with .Values.workspaces.perUser }}
{{- if .enabled }}
{{- if not (semverCompare ">=1.30.0-0" $.Capabilities.KubeVersion.Version) }}
{{- $said = append $said "workspaces.perUser: needs Kubernetes 1.30 or newer (ValidatingAdmissionPolicy); set enabled: false on an older one" }}
{{- end }}
{{- if not (regexMatch "^[a-z][a-z0-9-]{0,14}$" (include "studiolo.prefix" $)) }}
{{- $said = append $said (printf "workspaces.perUser.prefix: %s cannot begin a namespace's name; set at most 15 small letters, digits and dashes, such as lab-" (include "studiolo.prefix" $ | quote)) }}
{{- end }}
{{- if $.Values.workspaces.namespace }}
{{- $said = append $said "workspaces.namespace: leave it empty where each person has a namespace (workspaces.perUser)" }}
{{- end }}
{{- if eq $.Values.workspaces.capacity "namespace" }}
{{- $said = append $said "workspaces.capacity: set cluster or off; with workspaces.perUser there is no one namespace to count in" }}
{{- end }}
{{- else if or .quota .limits .labels .prefix }}
{{- $said = append $said "workspaces.perUser.enabled: set it to true, or leave out prefix, labels, quota and limits, which say nothing without it" }}
{{- end }}
{{- end }}
{{- if and .Values.entry.httpRoute.enabled (not .Values.entry.httpRoute.parentRefs) }}
{{- $said = append $said "entry.httpRoute.parentRefs: name the gateway that the route belongs to" }}
{{- end }}
{{- with .Values.entry.tls.certManager }}
{{- if and .enabled (not .issuer) }}
{{- $said = append $said "entry.tls.certManager.issuer: name cert-manager's issuer" }}
{{- end }}
{{- if and .enabled (not $.Values.entry.tls.secret) }}
{{- $said = append $said "entry.tls.secret: name the secret into which cert-manager puts the certificate" }}
{{- end }}
{{- end }}
{{- if and (gt (len (compact (list (ternary "a" "" .Values.entry.ingress.enabled) (ternary "b" "" .Values.entry.httpRoute.enabled) (ternary "c" "" .Values.entry.virtualService.enabled)))) 1) }}
{{- $said = append $said "entry: choose one of ingress, httpRoute and virtualService" }}
{{- end }}
{{- if $said }}
{{- fail (printf "\n\nThese values cannot work:\n  - %s\n" (join "\n  - " $said)) }}
{{- end }}
{{- end }}
