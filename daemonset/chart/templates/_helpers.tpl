{{/* The values in force, as YAML: defaults, platform, profile, global, top level; last wins. */}}
{{- define "ztunnel.values" -}}
{{- $defaults := index .Values "_internal_defaults_do_not_set" | deepCopy -}}
{{- $global := .Values.global | default dict | deepCopy -}}
{{- $chosen := omit (.Values | deepCopy) "_internal_defaults_do_not_set" "global" -}}
{{- $profile := $chosen.profile | default $defaults.profile -}}
{{- $platform := $chosen.platform | default $global.platform | default (hasPrefix "openshift" $profile | ternary "openshift" "") -}}
{{- $implied := dict "profile" $profile "platform" $platform -}}
{{- if hasSuffix "ambient" $profile -}}
{{- $_ := set $implied "meshConfig" (dict "defaultConfig" (dict "proxyMetadata" (dict "ISTIO_META_ENABLE_HBONE" "true"))) -}}
{{- end -}}
{{- if eq $platform "openshift" -}}
{{- $_ := set $implied "seLinuxOptions" (dict "type" "spc_t") -}}
{{- else if eq $platform "gke" -}}
{{- $_ := set $implied "resourceQuotas" (dict "enabled" true) -}}
{{- end -}}
{{- mustMergeOverwrite $defaults $implied $global $chosen (dict "platform" $platform "profile" $profile) | toYaml -}}
{{- end -}}

{{- define "ztunnel.labels" -}}
app.kubernetes.io/name: ztunnel
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: istio
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Metadata of an object with a namespace. Takes the context with the values in force. */}}
{{- define "ztunnel.metadata" -}}
name: {{ .v.resourceName }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "ztunnel.labels" . | nindent 2 }}
  {{- with .v.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .v.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "ztunnel.image" -}}
{{- if contains "/" .image -}}
{{ .image }}
{{- else if and .hub .tag -}}
{{ .hub }}/{{ .image }}:{{ .tag }}{{ with .variant }}-{{ . }}{{ end }}
{{- else -}}
{{ fail "set image=REGISTRY/PATH/IMAGE:TAG, or hub and tag" }}
{{- end -}}
{{- end -}}

{{- define "ztunnel.istiod" -}}
istiod{{ with .revision }}-{{ . }}{{ end }}.{{ .istioNamespace }}.svc:15012
{{- end -}}

{{/* A scalar as it was written: whole numbers are floating point after YAML, and 1000000 would become 1e+06. */}}
{{- define "ztunnel.text" -}}
{{- if and (kindIs "float64" .) (eq (. | int64 | float64) .) -}}
{{ . | int64 }}
{{- else -}}
{{ . }}
{{- end -}}
{{- end -}}
