#include "server/rpc/dataset_service.h"

#include "server/rpc/call_access.h"
#include "server/rpc/dataset_messages.h"
#include "server/rpc/job_veil.h"
#include "server/rpc/method_table.h"
#include "server/rpc/rpc_guard.h"
#include "server/spec/dataset_facts.h"
#include "server/spec/name_rules.h"

namespace distill::server {
namespace {

bool IsSameRequest(const DatasetRecord& left, const DatasetRecord& right) {
  return left.owner == right.owner && left.path == right.path && left.seed == right.seed &&
         left.val_fraction == right.val_fraction && left.test_fraction == right.test_fraction;
}

}  // namespace

void DatasetServiceImpl::AddTo(MethodTable& table) {
  table.Add("CreateDataset", *this, &DatasetServiceImpl::CreateDataset);
  table.Add("GetDataset", *this, &DatasetServiceImpl::GetDataset);
  table.Add("ListDatasets", *this, &DatasetServiceImpl::ListDatasets);
  table.Add("DeleteDataset", *this, &DatasetServiceImpl::DeleteDataset);
}

grpc::Status DatasetServiceImpl::CreateDataset(grpc::ServerContext* context,
                                               const v1::CreateDatasetRequest* request,
                                               v1::Dataset* response) {
  ViolationList violations;
  const auto create = [&](const AdmittedCall& call) -> Status {
    if (!request->request_id().empty() && !IsUuid(request->request_id())) {
      violations.Add("request_id", request->request_id(), "must be a UUID");
    }
    const DatasetRecord wanted = ResolveDataset(request->dataset(), call.caller().name,
                                                dependencies_.backend.files, violations);
    if (!violations.empty()) return {Code::kInvalidArgument, "the request is at fault"};
    DISTILL_RETURN_IF_ERROR(dependencies_.submit_rate.Take(call.caller().name, 1));
    Result<DatasetRecord> made = dependencies_.backend.manager.CreateDataset(wanted);
    if (!made.ok() && made.status().code() == Code::kAlreadyExists &&
        !request->request_id().empty()) {
      // A retry of a request that was carried out finds what it made.
      Result<DatasetRecord> there = dependencies_.backend.store.FindDataset(wanted.name);
      if (there.ok() && IsSameRequest(*there, wanted)) made = std::move(there);
    }
    if (!made.ok()) return made.status();
    *response = ToMessage(*made);
    return {};
  };
  const Status status =
      dependencies_.access.Run(*context, __func__, request->dataset().name(), create);
  if (!violations.empty()) return ToGrpc(violations.violations());
  return ToGrpc(status);
}

grpc::Status DatasetServiceImpl::GetDataset(grpc::ServerContext* context,
                                            const v1::GetDatasetRequest* request,
                                            v1::Dataset* response) {
  const auto get = [&](const AdmittedCall&) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const DatasetRecord dataset,
                             dependencies_.backend.store.FindDataset(request->name()));
    *response = ToMessage(dataset);
    return {};
  };
  return ToGrpc(dependencies_.access.Run(*context, __func__, request->name(), get));
}

grpc::Status DatasetServiceImpl::ListDatasets(grpc::ServerContext* context,
                                              const v1::ListDatasetsRequest*,
                                              v1::ListDatasetsResponse* response) {
  return ToGrpc(
      dependencies_.access.Run(*context, __func__, "", [&](const AdmittedCall&) -> Status {
        DISTILL_ASSIGN_OR_RETURN(const std::vector<DatasetRecord> datasets,
                                 dependencies_.backend.store.ListDatasets());
        for (const DatasetRecord& dataset : datasets) {
          *response->add_datasets() = ToMessage(dataset);
        }
        return {};
      }));
}

grpc::Status DatasetServiceImpl::DeleteDataset(grpc::ServerContext* context,
                                               const v1::DeleteDatasetRequest* request,
                                               v1::DeleteDatasetResponse*) {
  const auto remove = [&](const AdmittedCall& call) -> Status {
    DISTILL_ASSIGN_OR_RETURN(const DatasetRecord dataset,
                             dependencies_.backend.store.FindDataset(request->name()));
    DISTILL_RETURN_IF_ERROR(call.CheckMayChange(dataset.owner, dataset.name));
    DISTILL_ASSIGN_OR_RETURN(const std::optional<JobId> user,
                             dependencies_.backend.manager.DeleteDataset(request->name()));
    if (!user) return {};
    JobVeil veil(call, dependencies_.backend.store);
    return {Code::kFailedPrecondition,
            veil.Print(Sentence::Naming(*user) + " uses the data set and has not ended")};
  };
  return ToGrpc(dependencies_.access.Run(*context, __func__, request->name(), remove));
}

}  // namespace distill::server
