// Writes an event file: val/loss 1/epoch and val/accuracy epoch/10, in epochs 1 to 5.
#include <fstream>

#include "client/output/tensorboard_file.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  constexpr int kEpochs = 5;
  std::vector<distill::v1::MetricSeries> series(2);
  series[0].set_name("val/loss");
  series[1].set_name("val/accuracy");
  for (int epoch = 1; epoch <= kEpochs; ++epoch) {
    for (size_t index = 0; index < series.size(); ++index) {
      auto& point = *series[index].add_points();
      point.set_epoch(epoch);
      point.set_at_unix_ms(1'700'000'000'000 + 1000 * epoch);
      point.set_value(index == 0 ? 1.0 / epoch : epoch / 10.0);
    }
  }
  std::ofstream file(argv[1], std::ios::binary);
  file << distill::client::TensorBoardFile(series, 1'700'000'000'000);
  return file.flush() ? 0 : 1;
}
