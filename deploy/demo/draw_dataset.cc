// Draws a small labelled set of pictures: one shape on a cluttered ground in each JPEG file,
// in any place, size, turn and light. A class folder for each kind of shape. Each kind leans to a
// hue of its own, so that colour gives a first clue and only colour and outline together tell for
// sure.
//
// Usage: distill_demo_data FOLDER [IMAGES_PER_CLASS [SEED]]
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kSide = 80;  // pixels
constexpr int kDefaultImagesPerClass = 120;
constexpr double kPi = 3.14159265358979323846;
// Noise of the camera, in grey levels.
constexpr double kNoise = 10;

// Outlines in polar form: corners alternate between the outer radius 1 and `inner_radius`.
struct ShapeClass {
  const char* name;
  int num_corners;
  double inner_radius;  // 1 = a regular polygon
};

constexpr std::array<ShapeClass, 6> kClasses{{{"disc", 24, 1.0},
                                              {"triangle", 3, 1.0},
                                              {"square", 4, 1.0},
                                              {"pentagon", 5, 1.0},
                                              {"star", 5, 0.5},
                                              {"cross", 4, 0.4}}};

cv::Scalar RandomColor(cv::RNG& random) {
  return {random.uniform(20., 235.), random.uniform(20., 235.), random.uniform(20., 235.)};
}

// Returns a pale colour, as grounds have.
cv::Scalar PaleColor(cv::RNG& random) {
  const double grey = random.uniform(50., 205.);
  constexpr double kTint = 20;
  return {grey + random.uniform(-kTint, kTint), grey + random.uniform(-kTint, kTint),
          grey + random.uniform(-kTint, kTint)};
}

// Returns a strong colour, near the hue that the kind of shape leans to.
cv::Scalar ShapeColor(cv::RNG& random, size_t class_index) {
  constexpr double kHues = 180;  // OpenCV's 8-bit hues
  constexpr double kSpread = 12;
  double hue = kHues * static_cast<double>(class_index) / 6 + random.gaussian(kSpread);
  hue -= kHues * std::floor(hue / kHues);
  cv::Mat pixel(1, 1, CV_8UC3,
                cv::Scalar(hue, random.uniform(130., 255.), random.uniform(120., 255.)));
  cv::cvtColor(pixel, pixel, cv::COLOR_HSV2BGR);
  const auto color = pixel.at<cv::Vec3b>(0, 0);
  return {static_cast<double>(color[0]), static_cast<double>(color[1]),
          static_cast<double>(color[2])};
}

// Fills `image` with stripes of two colours, at a random angle and width.
void DrawStripes(cv::RNG& random, const cv::Scalar& color, cv::Mat& image) {
  const cv::Scalar second = color * random.uniform(0.6, 0.95);
  image.setTo(color);
  const double angle = random.uniform(0., kPi);
  const double period = random.uniform(5., 14.);
  const cv::Point2d along(std::cos(angle), std::sin(angle));
  const cv::Point2d across(-along.y, along.x);
  for (double offset = -1.5 * kSide; offset < 1.5 * kSide; offset += period) {
    const cv::Point2d middle = cv::Point2d(kSide / 2., kSide / 2.) + across * offset;
    cv::line(image, middle - along * (2. * kSide), middle + along * (2. * kSide), second,
             static_cast<int>(period / 2), cv::LINE_AA);
  }
}

// Draws lines and spots that belong to no class.
void DrawClutter(cv::RNG& random, cv::Mat& image) {
  const int num_lines = random.uniform(2, 6);
  for (int i = 0; i < num_lines; ++i) {
    const cv::Point from(random.uniform(0, kSide), random.uniform(0, kSide));
    const cv::Point to(random.uniform(0, kSide), random.uniform(0, kSide));
    cv::line(image, from, to, RandomColor(random), random.uniform(1, 3), cv::LINE_AA);
  }
  const int num_spots = random.uniform(3, 9);
  for (int i = 0; i < num_spots; ++i) {
    const cv::Point center(random.uniform(0, kSide), random.uniform(0, kSide));
    cv::circle(image, center, random.uniform(1, 5), RandomColor(random), cv::FILLED, cv::LINE_AA);
  }
}

std::vector<cv::Point> Outline(cv::RNG& random, const ShapeClass& shape) {
  const double radius = random.uniform(0.2, 0.4) * kSide;
  const double turn = random.uniform(0., 2 * kPi);
  const double squeeze = random.uniform(0.8, 1.);
  const double margin = 0.75 * radius;
  const cv::Point2d center(random.uniform(margin, kSide - margin),
                           random.uniform(margin, kSide - margin));
  const int num_points = shape.inner_radius < 1 ? 2 * shape.num_corners : shape.num_corners;
  std::vector<cv::Point> points;
  for (int i = 0; i < num_points; ++i) {
    const double angle = 2 * kPi * i / num_points;
    const double r = radius * (i % 2 == 1 && shape.inner_radius < 1 ? shape.inner_radius : 1.);
    // Seen from the side: squeezed in one direction, then turned.
    const cv::Point2d seen(r * std::cos(angle), squeeze * r * std::sin(angle));
    points.emplace_back(
        cv::saturate_cast<int>(center.x + seen.x * std::cos(turn) - seen.y * std::sin(turn)),
        cv::saturate_cast<int>(center.y + seen.x * std::sin(turn) + seen.y * std::cos(turn)));
  }
  return points;
}

// Applies light from one side, blur and noise, as a camera would.
void Photograph(cv::RNG& random, cv::Mat& image) {
  cv::Mat floating;
  image.convertTo(floating, CV_32FC3);
  const double slope = random.uniform(-0.4, 0.4);
  for (int column = 0; column < kSide; ++column) {
    const double light = 1 + slope * (column - kSide / 2.) / kSide;
    cv::Mat strip = floating.col(column);
    strip *= light;
  }
  cv::GaussianBlur(floating, floating, {3, 3}, random.uniform(0.3, 1.2));
  cv::Mat noise(floating.size(), floating.type());
  random.fill(noise, cv::RNG::NORMAL, 0., kNoise);
  floating += noise;
  floating.convertTo(image, CV_8UC3);
}

cv::Mat DrawImage(cv::RNG& random, size_t class_index) {
  cv::Mat image(kSide, kSide, CV_8UC3);
  DrawStripes(random, PaleColor(random), image);
  DrawClutter(random, image);
  cv::Mat fill(image.size(), image.type());
  DrawStripes(random, ShapeColor(random, class_index), fill);
  cv::Mat mask = cv::Mat::zeros(image.size(), CV_8UC1);
  cv::fillPoly(mask, std::vector<std::vector<cv::Point>>{Outline(random, kClasses.at(class_index))},
               cv::Scalar(255));
  fill.copyTo(image, mask);
  Photograph(random, image);
  return image;
}

void DrawDataset(const std::filesystem::path& folder, int images_per_class, uint64_t seed) {
  cv::RNG random(seed + 1);  // cv::RNG takes 0 for another fixed seed
  for (size_t class_index = 0; class_index < kClasses.size(); ++class_index) {
    const ShapeClass& shape = kClasses.at(class_index);
    const std::filesystem::path class_folder = folder / shape.name;
    std::filesystem::create_directories(class_folder);
    for (int i = 0; i < images_per_class; ++i) {
      std::array<char, 32> name{};
      std::snprintf(name.data(), name.size(), "%s_%04d.jpg", shape.name, i);
      const std::string file = (class_folder / name.data()).string();
      if (!cv::imwrite(file, DrawImage(random, class_index), {cv::IMWRITE_JPEG_QUALITY, 92})) {
        throw std::runtime_error("cannot write " + file);
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::cerr << "usage: distill_demo_data FOLDER [IMAGES_PER_CLASS [SEED]]\n";
    return 2;
  }
  try {
    const int images_per_class = argc > 2 ? std::stoi(argv[2]) : kDefaultImagesPerClass;
    DrawDataset(argv[1], images_per_class, argc > 3 ? std::stoull(argv[3]) : 0);
  } catch (const std::exception& error) {
    std::cerr << "distill_demo_data: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
