#pragma once

#include "distill/v1/dataset_service.grpc.pb.h"
#include "server/rpc/job_service.h"

namespace distill::server {

/// distill.v1.DatasetService. Thread-safe.
class DatasetServiceImpl final : public v1::DatasetService::Service {
 public:
  explicit DatasetServiceImpl(const ServiceDependencies& dependencies)
      : dependencies_(dependencies) {}

  grpc::Status CreateDataset(grpc::ServerContext* context, const v1::CreateDatasetRequest* request,
                             v1::Dataset* response) override;
  grpc::Status GetDataset(grpc::ServerContext* context, const v1::GetDatasetRequest* request,
                          v1::Dataset* response) override;
  grpc::Status ListDatasets(grpc::ServerContext* context, const v1::ListDatasetsRequest* request,
                            v1::ListDatasetsResponse* response) override;
  grpc::Status DeleteDataset(grpc::ServerContext* context, const v1::DeleteDatasetRequest* request,
                             v1::DeleteDatasetResponse* response) override;

 private:
  const ServiceDependencies dependencies_;
};

}  // namespace distill::server
