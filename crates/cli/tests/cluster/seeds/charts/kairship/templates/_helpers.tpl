{{- define "kairship.image" -}}
{{ .root.Values.global.imageRegistry | default .image.registry }}/{{ .image.repository }}:{{ .image.tag | default .root.Values.global.kairship.imageTag }}
{{- end }}
