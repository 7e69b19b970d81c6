// SPDX-License-Identifier: Apache-2.0
// The registry that bench_manage measures, with as many devices as it is asked for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "registry/operations/expiry.h"
#include "registry/operations/forecast.h"
#include "registry/operations/registry.h"

namespace latchkey::bench {

inline double ms_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}
// How long it takes, in milliseconds.
inline double timed(const std::function<void()>& what) {
  const auto began = std::chrono::steady_clock::now();
  what();
  return ms_since(began);
}
template <class T>
T must(registry::Outcome<T> outcome) {
  if (!outcome) throw std::runtime_error(outcome.error().detail);
  return std::move(*outcome);
}

class Plant {
 public:
  // Opens the registry at `path`; a new one gets namespace "default" with a credential, the policy "default" and a hub,
  // as a data folder has them, with CA certificates that nobody could verify.
  explicit Plant(std::string path);

  registry::Registry& registry() { return *registry_; }
  registry::Call call() const { return {"uid:0 (root)", now_}; }
  UnixMs now() const { return now_; }
  registry::Policy policy() { return must(registry_->find_policy("default", "default")); }

  // Devices of the next numbers, in one call.
  void create(std::uint64_t count);
  // What provisioning would have left of every device, put in by SQL: the registration through the group `group`, a
  // certificate of the policy's that ends within thirty days, and an individual enrollment of the same name. The
  // registry is closed meanwhile.
  void furnish(const std::string& group);

  // The act that is irreversible for every leaf of the policy, and how long it took.
  double revoke_policy();

 private:
  void open();
  registry::NewCa fake_ca(const std::string& subject);

  const std::string path_;
  const UnixMs now_;
  std::unique_ptr<registry::Registry> registry_;
  std::uint64_t made_ = 0;
  std::uint32_t cas_ = 0;
};

// Nobody is connected.
class Nobody final : public registry::Attendance {
 public:
  std::vector<std::string> connected(const std::string&) override { return {}; }
  bool connected(const std::string&, const std::string&) override { return false; }
  std::optional<UnixMs> last_seen(const std::string&, const std::string&) override { return std::nullopt; }
};

}  // namespace latchkey::bench
