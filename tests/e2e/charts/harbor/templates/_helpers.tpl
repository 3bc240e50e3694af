{{- define "harbor.labels" -}}
app.kubernetes.io/name: harbor
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
