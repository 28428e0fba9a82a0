#pragma once

#include <cstdint>
#include <string>

#include "core/base/status.h"
#include "server/job/job.h"

namespace SQLite {
class Database;
}

/// Records: the rows of control.db that belong to one job or data set, as SQL that makes them
/// again. A record lies beside what it is about (runs/<job>/record.sql, datasets/<id>/record.sql),
/// so that a lost database can be rebuilt. The functions that take a database let SQLite::Exception
/// pass.
namespace distill::server::row_dump {

/// Returns the record of a job: its row, those of every table that refers to it, and the request
/// that made it. "" = no such job.
std::string DumpJob(SQLite::Database& control, JobId id);

/// Returns the record of a data set; "" = no such data set.
std::string DumpDataset(SQLite::Database& control, int64_t id);

/// Returns `sql` as a record, with its sum.
std::string WithHead(const std::string& sql);

/// Makes the rows of `record` again; those that exist stay as they are. Runs in the caller's
/// transaction. Nothing but an INSERT is carried out, whatever the record says.
/// kDataLoss: it is damaged (its sum is wrong); nothing is changed then.
Status Restore(SQLite::Database& control, const std::string& record);

}  // namespace distill::server::row_dump
