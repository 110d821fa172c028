{{/* Name of the release's objects. */}}
{{- define "edgepress.name" -}}
{{- if contains "edgepress" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-edgepress{{ end }}
{{- end }}

{{/* Labels of an object: (dict "root" $ "component" "gateway"). */}}
{{- define "edgepress.labels" -}}
{{ include "edgepress.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* Labels that select the pods of a component. */}}
{{- define "edgepress.selector" -}}
app.kubernetes.io/name: edgepress
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* One of our images: (dict "root" $ "image" "api" "suffix" ""). */}}
{{- define "edgepress.image" -}}
{{ .root.Values.image.registry }}edgepress-{{ .image }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}{{ .suffix }}
{{- end }}

{{/* The name of a Secret that exists: (dict "root" $ "of" "gateway"). */}}
{{- define "edgepress.secret" -}}
{{ required (printf "secrets.%s is empty; accepted: the name of a Secret with the files that edgepress-secrets writes into its folder %s" .of .of) (index .root.Values.secrets .of) }}
{{- end }}

{{/* Parts of every pod of ours. */}}
{{- define "edgepress.pod" -}}
serviceAccountName: {{ .Values.serviceAccount.name }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toJson . }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Security of every container: no privileges, and a root file system that is only read. */}}
{{- define "edgepress.container-security" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Settings of the artifact store and data sets. */}}
{{- define "edgepress.store-env" -}}
{{- $artifacts := .Values.artifacts -}}
{{- if and (not $artifacts.s3) (not $artifacts.existingClaim) }}
{{- fail "artifacts.s3 and artifacts.existingClaim are empty; accepted: one of them, an address such as s3://bucket/prefix or a claim that all workers can write" }}
{{- end }}
- {name: EDGEPRESS_ARTIFACTS, value: {{ $artifacts.s3 | default "/var/lib/edgepress/artifacts" | quote }}}
- {name: EDGEPRESS_DATASET_ROOTS, value: '["/datasets"]'}
{{- if $artifacts.credentialsSecret }}
- {name: AWS_SHARED_CREDENTIALS_FILE, value: /run/aws/credentials}
{{- end }}
{{- end }}

{{/* Further settings: a map of names and values. */}}
{{- define "edgepress.env" -}}
{{- range $name, $value := . }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "edgepress.store-mounts" -}}
- {name: copies, mountPath: /var/lib/edgepress/copies}
{{- if .Values.artifacts.existingClaim }}
- {name: artifacts, mountPath: /var/lib/edgepress/artifacts}
{{- end }}
{{- if .Values.artifacts.credentialsSecret }}
- {name: aws, mountPath: /run/aws, readOnly: true}
{{- end }}
{{- if .Values.datasets.existingClaim }}
- {name: datasets, mountPath: /datasets, readOnly: true}
{{- end }}
{{- end }}

{{- define "edgepress.store-volumes" -}}
- {name: copies, emptyDir: {}}
{{- with .Values.artifacts.existingClaim }}
- {name: artifacts, persistentVolumeClaim: {claimName: {{ . }}}}
{{- end }}
{{- with .Values.artifacts.credentialsSecret }}
- {name: aws, secret: {secretName: {{ . }}}}
{{- end }}
{{- with .Values.datasets.existingClaim }}
- {name: datasets, persistentVolumeClaim: {claimName: {{ . }}, readOnly: true}}
{{- end }}
{{- end }}

{{/* Migrates the database before gateway and scheduler read it: one at a time, and again without an effect. */}}
{{- define "edgepress.migrate" -}}
- name: migrate
  image: {{ include "edgepress.image" (dict "root" . "image" "api" "suffix" "") }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  command: [edgepress-migrate]
  env:
    - {name: EDGEPRESS_SECRETS_DIR, value: /run/secrets/migrate}
  {{- include "edgepress.container-security" . | nindent 2 }}
  resources:
    requests: {cpu: 50m, memory: 128Mi}
    limits: {memory: 512Mi}
  volumeMounts:
    - {name: migrate-secrets, mountPath: /run/secrets/migrate, readOnly: true}
    - {name: tmp, mountPath: /tmp}
{{- end }}

{{- define "edgepress.migrate-volume" -}}
- {name: migrate-secrets, secret: {secretName: {{ include "edgepress.secret" (dict "root" . "of" "migrate") }}}}
{{- end }}

{{/* Kinds of steps of queues, as a regular expression. As in edgepress_common.messages.QUEUES. */}}
{{- define "edgepress.kinds" -}}
{{- $kinds := list -}}
{{- range . -}}
{{- if eq . "train" }}{{ $kinds = append $kinds "stage" }}
{{- else if eq . "convert" }}{{ $kinds = concat $kinds (list "pack" "export") }}
{{- else }}{{ fail (printf "%q is not a queue; accepted: train, convert" .) }}{{ end -}}
{{- end -}}
{{ join "|" $kinds }}
{{- end }}
