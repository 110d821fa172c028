"""An example of each object of a spec, in YAML, for docs/spec.md. Tests parse each one."""

_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

EXAMPLES = {
    "JobSpec": """
name: my tissue
dataset: {kind: folder, path: /data/tissue, image_size: 224}
model: {architecture: mobilenet_v2, weights: imagenet}
training: {epochs: 30}
pipelines:
  - {name: plain, exports: [float32, int8]}
  - {name: pruned, stages: [{kind: prune}], exports: [int8]}
evaluation: {devices: [rpi4], threads: [1, 4]}
goals: {max_accuracy_drop: 0.01}
""",
    "BuiltinDataset": "{kind: builtin, image_size: 32}",
    "FolderDataset": "{kind: folder, path: /data/tissue, image_size: 224, groups: {pattern: '(patient[0-9]+)'}}",
    "GroupsByPattern": "{pattern: '(patient[0-9]+)'}",
    "GroupsByTable": "{table: patients.csv}",
    "NpzDataset": "{kind: npz, path: /data/bloodmnist_64.npz, image_size: 64}",
    "UploadDataset": f"{{kind: upload, sha256: {_SHA256}, image_size: 96}}",
    "Cifar10Dataset": "{kind: cifar10, validation_fraction: 0.1}",
    "NctCrcHeDataset": "{kind: nct-crc-he, training_set: NCT-CRC-HE-100K-NONORM}",
    "Model": "{architecture: mobilenet_v2, weights: imagenet, width: 0.5, dropout: 0.2}",
    "UploadedModel": f"{{architecture: uploaded, sha256: {_SHA256}, pixels: 0_to_1}}",
    "Training": """
epochs: 30
batch_size: 64
learning_rate: 0.003
warmup_epochs: 2
augmentation: {horizontal_flip: true}
early_stopping: {monitor: val_accuracy}
""",
    "Augmentation": "{horizontal_flip: true, vertical_flip: true, rotation_degrees: 180, brightness: 0.2, mixup: 0.2}",
    "EarlyStopping": "{monitor: val_accuracy, patience: 8, min_delta: 0.001}",
    "Pipeline": """
name: pruned and clustered
stages:
  - {kind: prune, epochs: 6}
  - {kind: cluster, clusters: 32}
exports: [float32, {kind: int8, input_type: uint8}]
""",
    "TrainStage": "{kind: train, model: {architecture: mobilenet_v2}, training: {epochs: 20}}",
    "ProbeStage": "{kind: probe, model: {architecture: mobilenet_v2, width: 0.5}, keep_macs: 0.5}",
    "ElasticStage": "{kind: elastic, epochs: 12, widths: [0.5], depths: [0.5], image_sizes: [48], progressive: true}",
    "CutStage": "{kind: cut, width: 0.25, image_size: 48}",
    "PruneStage": "{kind: prune, epochs: 6, teacher: source, schedule: {kind: polynomial, final_sparsity: 0.8}}",
    "FineTuneStage": "{kind: fine_tune, epochs: 10, teacher: [member 1, member 2, member 3]}",
    "FactorizeStage": "{kind: factorize, epochs: 8, rank: {kind: target, share: 0.3}, multiple_of: 8}",
    "EnergyRank": "{kind: energy, energy: 0.9}",
    "BayesRank": "{kind: bayes}",
    "TargetRank": "{kind: target, of: weights, share: 0.3}",
    "PruneChannelsStage": "{kind: prune_channels, epochs: 20, target: {keep: 0.25}, criterion: taylor, rounds: 2}",
    "Slimming": "{epochs: 3, penalty: 0.2}",
    "ChannelTarget": "{of: weights, keep: 0.25}",
    "LatencyTarget": "{device: rpi4, ms: 8, export: int4}",
    "LayerSelection": "{include: ['kind:conv2d'], exclude: [first, 'name:stage4_*']}",
    "ConstantSchedule": "{kind: constant, final_sparsity: 0.6}",
    "PolynomialSchedule": "{kind: polynomial, initial_sparsity: 0.2, final_sparsity: 0.8, end: 0.4}",
    "PatternSchedule": "{kind: pattern, pattern: '1:4'}",
    "ClusterStage": "{kind: cluster, clusters: 32, centroids: density, per_channel: true}",
    "QuantizeAwareStage": "{kind: quantize_aware, epochs: 3, preserve_sparsity: true}",
    "DistillStage": "{kind: distill, student: {architecture: mobilenet_v3_small}, alpha: 0.3, temperature: 4}",
    "KdLoss": "{kind: kd}",
    "DkdLoss": "{kind: dkd, others_weight: 8, warmup_epochs: 5}",
    "DistLoss": "{kind: dist, images_weight: 2}",
    "Hint": "{student: block_13_expand_relu, teacher: stage4_unit1_relu1, weight: 0.5}",
    "Float32Export": "{kind: float32, encoding: dense}",
    "Float16Export": "{kind: float16, arithmetic: float16}",
    "DynamicExport": "{kind: dynamic, encoding: sparse}",
    "Int16x8Export": "{kind: int16x8, representative_images: 256}",
    "Int8Export": "{kind: int8, input_type: uint8, calibration: {ranges: mse, bias_correction: true}}",
    "Int4Export": "{kind: int4, calibration: {rounding: adaround, bias_correction: true}}",
    "CalibrationSettings": "{ranges: percentile, percentile: 99.9, equalization: true, rounding: adaround}",
    "Search": """
objectives: [accuracy]
limits: {max_latency_ms: 8, max_coded_bytes: 1000000}
device: rpi4
budget: {trials: 60, hours: 12}
""",
    "SearchLimits": "{max_accuracy_drop: 0.01, max_latency_ms: 8}",
    "Budget": "{trials: 100, hours: 24}",
    "Space": """
networks: [{architecture: resnet18}, {architecture: resnet18, width: 0.5}, {architecture: mobilenet_v2}]
keep_macs: [1, 0.5]
zeros: [0, 0.8, 0.9]
exports: [int8, {kind: int8, calibration: {ranges: mse}}]
""",
    "Evaluation": "{devices: [rpi4, rpi5], threads: [1, 4], runs: 200}",
    "Webhook": "{url: 'https://ci.example.com/hooks/edgepress', secret: a-secret-of-your-own-choice}",
    "EmailRecipient": "{kind: email, to: anna@example.org, when: [job_failed, device_offline]}",
    "ChatRecipient": "{kind: chat, url: 'https://hooks.example.com/services/T0/B0/a-secret'}",
    "MatrixRecipient": "{kind: matrix, server: 'https://matrix.example.org', room: '!r:example.org', token: a-secret}",
    "Limits": "{step_hours: 4, job_hours: 48}",
    "Goals": "{max_accuracy_drop: 0.01, max_latency_ms: 20, weights: {latency: 3}, method: topsis}",
    "Weights": "{accuracy: 3, latency: 1, size: 0}",
    "Preference": "{more: accuracy, than: size, times: 5}",
}
