#include "server/store/dataset_rows.h"

#include "server/store/sql_statement.h"

namespace distill::server::dataset_rows {
namespace {

constexpr char kSelect[] =
    "SELECT id, name, owner, path, val_fraction, test_fraction, seed, state, message,"
    " created_at_unix_ms, files_scanned, files_total, report, skips_bad_files FROM dataset ";

DatasetRecord Read(SQLite::Statement& query) {
  RowReader row(query);
  DatasetRecord dataset;
  dataset.id = row.Int64();
  dataset.name = row.Text();
  dataset.owner = row.Text();
  dataset.path = row.Text();
  dataset.val_fraction = row.Double();
  dataset.test_fraction = row.Double();
  dataset.seed = row.Int64();
  dataset.state = row.As<DatasetState>();
  dataset.message = row.Text();
  dataset.created_at_unix_ms = row.Int64();
  dataset.files_scanned = row.Int64();
  dataset.files_total = row.Int64();
  dataset.report = row.Text();
  dataset.skips_bad_files = row.Int64() != 0;
  return dataset;
}

Status NoDataset(const std::string& name) { return {Code::kNotFound, "no data set: " + name}; }

}  // namespace

Result<int64_t> Insert(SQLite::Database& control, const DatasetRecord& dataset) {
  if (SelectInt(control, "SELECT id FROM dataset WHERE name = ?", dataset.name)) {
    return Status(Code::kAlreadyExists, "a data set has this name: " + dataset.name);
  }
  Execute(control,
          "INSERT INTO dataset (name, owner, path, val_fraction, test_fraction, seed, state,"
          " message, created_at_unix_ms, files_scanned, files_total, report, skips_bad_files)"
          " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, x'', ?)",
          dataset.name, dataset.owner, dataset.path, dataset.val_fraction, dataset.test_fraction,
          dataset.seed, static_cast<int>(DatasetState::kScanning), dataset.message,
          dataset.created_at_unix_ms, dataset.skips_bad_files ? 1 : 0);
  return static_cast<int64_t>(control.getLastInsertRowid());
}

Result<DatasetRecord> Find(SQLite::Database& control, const std::string& name) {
  SQLite::Statement query(control, std::string(kSelect) + "WHERE name = ?");
  BindAll(query, name);
  if (!query.executeStep()) return NoDataset(name);
  return Read(query);
}

std::vector<DatasetRecord> List(SQLite::Database& control) {
  std::vector<DatasetRecord> datasets;
  SQLite::Statement query(control, std::string(kSelect) + "ORDER BY id");
  while (query.executeStep()) datasets.push_back(Read(query));
  return datasets;
}

Status Update(SQLite::Database& control, const DatasetRecord& dataset) {
  const int changed =
      Execute(control,
              "UPDATE dataset SET state = ?, message = ?, files_scanned = ?, files_total = ?,"
              " report = ? WHERE id = ?",
              static_cast<int>(dataset.state), dataset.message, dataset.files_scanned,
              dataset.files_total, Blob{dataset.report}, dataset.id);
  return changed == 1 ? Status::Ok() : NoDataset(dataset.name);
}

Result<std::optional<JobId>> Delete(SQLite::Database& control, const std::string& name) {
  const auto user = SelectInt(
      control, "SELECT id FROM job WHERE dataset = ? AND state < 8 ORDER BY id LIMIT 1", name);
  if (user) return std::optional<JobId>(*user);
  const int changed = Execute(control, "DELETE FROM dataset WHERE name = ?", name);
  if (changed != 1) return NoDataset(name);
  return std::optional<JobId>();
}

}  // namespace distill::server::dataset_rows
