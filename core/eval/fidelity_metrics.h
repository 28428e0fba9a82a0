#pragma once

#include <vector>

namespace distill::core {

/// How near a model is to its teachers (Stanton et al. 2021, "Does knowledge distillation really
/// work?", section 3). Fractions lie in [0, 1].
struct FidelityMetrics {
  double teacher_accuracy = 0;
  double agreement = 0;  // share of the images that both take for the same class
  double kl = 0;         // mean over images of KL(teacher || model), in nats, at temperature 1
  std::vector<double> class_recall;     // of the teacher; 0 for a class without images
  std::vector<double> class_agreement;  // share of the class's images
};

}  // namespace distill::core
