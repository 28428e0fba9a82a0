#pragma once

#include "tests/bench/server/bench_lab.h"

namespace distill::bench {

/// Each prints its lines. They leave the lab's daemon running, with more jobs than before.

/// Submits with one client and with 32, beside an echo and an insert of the same size.
void MeasureSubmit(BenchLab& lab);

/// The first page of the list, with at least `num_jobs` jobs.
void MeasureList(BenchLab& lab, int num_jobs);

/// Rows of 16 journals on their way into the database while 4 clients read.
void MeasureIngest(BenchLab& lab);

/// The delay and the memory of 200 watchers of one job.
void MeasureWatchers(BenchLab& lab);

/// Start with `num_rows` metric rows in the database.
void MeasureStart(BenchLab& lab, int64_t num_rows);

/// Adoption of the workers of 16 running jobs.
void MeasureAdoption(BenchLab& lab);

}  // namespace distill::bench
