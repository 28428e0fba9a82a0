#pragma once

#include "distill/v1/dataset_service.pb.h"
#include "server/rpc/service_dependencies.h"

namespace distill::server {

class MethodTable;

/// distill.v1.DatasetService. Thread-safe.
class DatasetServiceImpl final {
 public:
  explicit DatasetServiceImpl(const ServiceDependencies& dependencies)
      : dependencies_(dependencies) {}

  /// Adds all methods to `table`. This object must outlive the server.
  void AddTo(MethodTable& table);

  grpc::Status CreateDataset(grpc::ServerContext* context, const v1::CreateDatasetRequest* request,
                             v1::Dataset* response);
  grpc::Status GetDataset(grpc::ServerContext* context, const v1::GetDatasetRequest* request,
                          v1::Dataset* response);
  grpc::Status ListDatasets(grpc::ServerContext* context, const v1::ListDatasetsRequest* request,
                            v1::ListDatasetsResponse* response);
  grpc::Status DeleteDataset(grpc::ServerContext* context, const v1::DeleteDatasetRequest* request,
                             v1::DeleteDatasetResponse* response);

 private:
  const ServiceDependencies dependencies_;
};

}  // namespace distill::server
