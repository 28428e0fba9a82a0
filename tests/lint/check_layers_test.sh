#!/usr/bin/env bash
# Plants one breach after the other in a small tree; check_layers.sh must find each.
# Usage: check_layers_test.sh FOLDER_OF_LINTS
set -euo pipefail
lint=$1/check_layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{client,server/{app,access,rpc,job,store,worker,device,spec,observe},core/{base,device,data,model,loss,train,eval,checkpoint,format,worker}}

"$lint" "$tree" >/dev/null || { echo 'a tree without any include was refused'; exit 1; }

failed=0
# breach FILE INCLUDE
breach() {
  printf '#include <vector>\n  #  include %s\n' "$2" >"$tree/$1"
  if "$lint" "$tree" >/dev/null; then printf 'not found: %s in %s\n' "$2" "$1"; failed=1; fi
  rm "$tree/$1"
}
breach server/app/a.cc '<ATen/ATen.h>'
breach server/app/a.cc '"core/train/trainer.h"'
breach server/access/a.h '<grpcpp/grpcpp.h>'
breach server/access/a.cc '"server/job/job.h"'
breach server/job/a.h '<grpcpp/grpcpp.h>'
breach server/job/a.h '"server/store/migrator.h"'
breach server/job/a.h '"distill/v1/job.pb.h"'
breach server/store/a.cc '"server/rpc/rpc_guard.h"'
breach server/worker/a.cc '<SQLiteCpp/Database.h>'
breach server/device/a.cc '"server/store/migrator.h"'
breach server/spec/a.cc '"distill/v1/job_service.grpc.pb.h"'
breach server/rpc/a.cc '<sqlite3.h>'
breach server/rpc/a.cc '"server/worker/process.h"'
breach server/observe/a.cc '"server/store/migrator.h"'
breach server/observe/a.cc '"server/rpc/job_service.h"'
breach server/observe/a.cc '"server/rpc/rpc_server.h"'
breach server/job/a.cc '<prometheus/counter.h>'
breach client/a.cc '"core/model/model.h"'
breach client/a.cc '"server/job/job.h"'
breach client/a.cc '<opencv2/core.hpp>'
breach core/base/a.h '<ATen/core/Tensor.h>'
breach core/base/a.cc '"core/format/zip_writer.h"'
breach core/format/a.cc '<ATen/ATen.h>'
breach core/format/a.cc '"core/model/model.h"'
breach server/rpc/a.cc '"core/format/onnx_graph.h"'
breach core/base/a.h '"distill/v1/job.pb.h"'
breach core/device/a.cc '"core/model/model.h"'
breach core/model/a.cc '<opencv2/core.hpp>'
breach core/train/a.cc '"core/worker/train_run.h"'
breach core/train/a.cc '<torch/torch.h>'
breach core/device/a.cc '<torch/script.h>'
breach core/eval/a.cc '"distill/worker/v1/worker.pb.h"'
breach core/worker/a.cc '<grpcpp/grpcpp.h>'
breach core/worker/a.cc '"server/job/job.h"'
breach core/data/a.cc '"tests/temp_dir.h"'

# allowed FILE INCLUDE
allowed() {
  printf '#include %s\n' "$2" >"$tree/$1"
  "$lint" "$tree" || { printf 'refused: %s in %s\n' "$2" "$1"; failed=1; }
  rm "$tree/$1"
}
allowed client/a.cc '"core/base/status.h"'
allowed client/a.cc '"core/format/onnx_graph.h"'
allowed server/store/a.cc '<SQLiteCpp/Database.h>'
allowed server/rpc/a.cc '"distill/v1/job_service.grpc.pb.h"'
allowed server/observe/a.cc '"server/rpc/rpc_observer.h"'
allowed server/observe/a.cc '<prometheus/counter.h>'
allowed core/device/torch_script.cc '<torch/script.h>'
allowed core/data/a.cc '<opencv2/imgcodecs.hpp>'
allowed core/worker/a.cc '"distill/worker/v1/worker.pb.h"'
exit $failed
