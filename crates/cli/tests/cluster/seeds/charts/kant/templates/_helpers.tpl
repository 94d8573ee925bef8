{{- define "kant.image" -}}
{{ .root.Values.global.imageRegistry | default .image.registry }}/{{ .image.repository }}:{{ .image.tag | default .root.Values.global.kant.imageTag }}
{{- end }}
