#!/usr/bin/env bash
# Fails when a file includes what its folder may not see (ARCHITECTURE.md, "Who may include whom").
# Usage: check_layers.sh SOURCE_ROOT
set -euo pipefail
cd "$1"
status=0

# forbid FOLDER REGEX WHY: no file under FOLDER may include a path that starts with REGEX.
forbid() {
  [[ -d $1 ]] || return 0
  local hits
  hits=$(grep -rnE --include='*.h' --include='*.cc' "^[[:space:]]*#[[:space:]]*include[[:space:]]+[<\"]($2)" "$1" || true)
  if [[ -n "$hits" ]]; then printf '%s\n  -> %s\n' "$hits" "$3"; status=1; fi
}

torch='torch/|ATen/|c10/|caffe2/'
training='core/(device|data|model|loss|train|eval|checkpoint|worker)/'
database='SQLiteCpp/|sqlite3'
transport='grpcpp/|grpc/|.*\.grpc\.pb\.h'

forbid server        "$torch|opencv2/|$training|core/format/|client/" 'the daemon must not see LibTorch, OpenCV or training code'
forbid server/access "$transport|$database|.*\.pb\.h|server/(app|rpc|job|store|worker|device|spec|observe)/" 'server/access knows users and rules, no jobs, no transport and no database'
forbid server/job    "$transport|$database|.*\.pb\.h|server/(app|rpc|store|worker|device|spec|upkeep)/" 'server/job knows no transport, no messages and no database'
forbid server/store  "$transport|server/(app|rpc|worker|device|spec)/" 'server/store implements interfaces of server/job and nothing more'
forbid server/worker "$transport|$database|server/(app|rpc|store|device|spec)/" 'server/worker implements interfaces of server/job and nothing more'
forbid server/device "$transport|$database|.*\.pb\.h|server/(app|rpc|store|worker|spec)/" 'server/device implements interfaces of server/job and nothing more'
forbid server/spec   "$transport|$database|server/(app|rpc|store|worker|device)/" 'server/spec checks requests and knows no transport and no database'
forbid server/upkeep "$transport|$database|.*\.pb\.h|server/(app|rpc|store|worker|device|spec)/" 'server/upkeep sees server/job only'
forbid server/rpc    "$database|server/(store|worker|device|app)/" 'server/rpc only translates'
forbid server/notify "$transport|$database|.*\.pb\.h|server/(app|access|rpc|store|worker|device|spec|observe)/" 'server/notify sees server/job only'
forbid server/observe "$transport|$database|.*\.pb\.h|server/(app|store|worker|device|spec)/|server/rpc/([^r]|rpc_[^o])|server/notify/([^n]|noti[^f]|notifi[^c])" 'server/observe sees server/job and the observers of server/rpc and server/notify only'
for folder in app access job store worker device spec rpc observe; do
  forbid "server/$folder" 'curl/' 'only server/notify knows libcurl'
done
for folder in app access job store worker device spec rpc notify upkeep; do
  forbid "server/$folder" 'prometheus/' 'only server/observe knows Prometheus'
done
forbid client        "$torch|$training|server/|$database|opencv2/" 'the client links the messages, core/base and core/format only'
forbid core          "$transport|server/|client/|$database" 'core must not see gRPC, the daemon or the database'
forbid core/format   "$torch|opencv2/|server/|client/|distill/(v1|worker|tensorboard)/|$training" 'core/format needs core/base and the ONNX messages only'
forbid core/base     "core/format/|$torch|opencv2/|google/protobuf|.*\.pb\.h|$training" 'core/base needs the standard library only'
for folder in device data model loss train eval checkpoint; do
  forbid "core/$folder" '.*\.pb\.h|google/protobuf' 'messages are for core/worker'
done
for folder in model data loss train eval checkpoint worker; do
  forbid "core/$folder" 'torch/' 'core uses ATen; what differs between versions of LibTorch is in core/device'
done
torchscript=$(grep -rlE --include='*.h' --include='*.cc' '^[[:space:]]*#[[:space:]]*include[[:space:]]+<torch/(script\.h|csrc/jit)' core | grep -vx 'core/device/torch_script\.cc' || true)
if [[ -n "$torchscript" ]]; then printf '%s\n  -> only core/device/torch_script.cc runs TorchScript\n' "$torchscript"; status=1; fi
for folder in device model loss train eval checkpoint worker; do
  forbid "core/$folder" 'opencv2/' 'OpenCV stays in core/data'
done
# The parts of core, in dependency order: none may include a later one.
forbid core/device     'core/(model|data|loss|checkpoint|eval|train|worker)/' 'core/device stands below the other parts'
forbid core/model      'core/(data|loss|checkpoint|eval|train|worker)/' 'core/model may include device and base'
forbid core/data       'core/(model|loss|checkpoint|eval|train|worker)/' 'core/data may include device and base'
forbid core/loss       'core/(data|checkpoint|eval|train|worker)/' 'core/loss may include model, device and base'
forbid core/checkpoint 'core/(data|loss|eval|train|worker)/' 'core/checkpoint may include model, device and base'
forbid core/eval       'core/(train|worker)/' 'core/eval stands below train'
forbid core/train      'core/worker/' 'core/train knows no jobs'
for folder in core server client; do
  forbid "$folder" 'tests/|gtest/|gmock/' 'product code must not see tests'
done
exit $status
