// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/forecast/needs.h"

#include <algorithm>
#include <array>
#include <functional>

namespace latchkey::boards::fleet::forecast {
namespace {

// A figure that decides between plants need not be better than the model.
constexpr std::uint32_t kSample = 5'000;
constexpr std::array<unsigned, 12> kCores = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, kMostCores};

struct Try {
  Means means;
  bool enough = false;
};
using Trial = std::function<tl::expected<Try, std::string>(std::size_t)>;

// The first of `count` tries that is enough, if more never makes it worse.
tl::expected<std::optional<Means>, std::string> first(std::size_t count, const Trial& trial) {
  std::optional<Means> found;
  std::size_t low = 0;
  std::size_t high = count;
  while (low < high) {
    const auto middle = (low + high) / 2;
    const auto tried = trial(middle);
    if (!tried) return tl::unexpected(tried.error());
    if (tried->enough) {
      found = tried->means;
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return found;
}

}  // namespace

tl::expected<Needs, std::string> find_needs(const Question& question, double within_s) {
  Question changed = question;
  if (changed.sample != 0) changed.sample = std::min(changed.sample, kSample);
  const auto attempt = [&](const Plant& plant) -> tl::expected<Try, std::string> {
    changed.plant = plant;
    const auto forecast = foretell(changed);
    if (!forecast) return tl::unexpected(forecast.error());
    return Try{{plant, forecast->all.value_or(0)}, forecast->all && *forecast->all <= within_s};
  };
  Needs needs;
  needs.within_s = within_s;
  const auto machine = first(kCores.size(), [&](std::size_t i) {
    Plant plant = question.plant;
    plant.nodes = 1;
    plant.cores = kCores[i];
    plant.hub_brokers = std::max(plant.hub_brokers, kCores[i] / 2);
    return attempt(plant);
  });
  if (!machine) return tl::unexpected(machine.error());
  needs.machine = *machine;
  const auto most = std::min<std::size_t>(kMostNodes, question.scenario.devices);
  const auto nodes = first(most, [&](std::size_t i) {
    Plant plant = question.plant;
    plant.nodes = static_cast<unsigned>(i) + 1;
    return attempt(plant);
  });
  if (!nodes) return tl::unexpected(nodes.error());
  needs.nodes = *nodes;
  return needs;
}

}  // namespace latchkey::boards::fleet::forecast
