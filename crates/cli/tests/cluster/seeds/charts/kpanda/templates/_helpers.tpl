{{/* The chart's own version, for its sub-charts. */}}
{{- define "kpanda.version" -}}VERSION{{- end }}

{{/*
What global.imageRegistry, else the image's own registry, and its repository name together. From 0.25.1 until
0.29.0 they are joined as they are; the other versions leave a project out that stands in both.
*/}}
{{- define "kpanda.image" -}}
{{- $global := .root.Values.global }}
{{- $registry := $global.imageRegistry | default .image.registry }}
{{- $project := regexReplaceAll "^[^/]*/?" $registry "" }}
{{- if and $project (hasPrefix (printf "%s/" $project) .image.repository) }}
{{- if not (semverCompare ">=0.25.1-0, <0.29.0-0" (include "kpanda.version" .root)) }}
{{- $registry = trimSuffix (printf "/%s" $project) $registry }}
{{- end }}
{{- end -}}
{{ $registry }}/{{ .image.repository }}:{{ .image.tag | default $global.kpanda.imageTag }}
{{- end }}
