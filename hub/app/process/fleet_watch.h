// SPDX-License-Identifier: Apache-2.0
// What forecasts, expiry reports and metrics may know of the running hub (docs/what-if.md, docs/metrics.md): who is
// connected, how fast devices come back, the certificates that the brokers show, the numbers of all endpoints.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "hub/app/base/endpoints.h"
#include "hub/app/base/hub_clock.h"
#include "hub/app/endpoints/decision_log.h"
#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/app/nodes/elsewhere.h"
#include "hub/http/server.h"
#include "hub/management/management.h"
#include "hub/watch/metrics.h"
#include "hub/watch/numbers.h"
#include "hub/watch/store_watch.h"
#include "registry/operations/expiry.h"

namespace latchkey::hub::app {

class Attendance final : public registry::Attendance {
 public:
  // All outlive this object. `elsewhere`: of several nodes; null: it is alone.
  Attendance(const HubEndpoints& hubs, const Elsewhere* elsewhere) : hubs_(hubs), elsewhere_(elsewhere) {}
  std::vector<std::string> connected(const std::string& hub) override;
  bool connected(const std::string& hub, const std::string& device) override;
  std::optional<UnixMs> last_seen(const std::string& ns, const std::string& device) override;  // at this node

 private:
  using Steady = std::chrono::steady_clock;
  // A forecast asks about one device after the other: the registry is asked about all, once in a while.
  struct Others {
    Steady::time_point until{};
    std::shared_ptr<const std::unordered_set<std::string>> devices;
  };
  std::shared_ptr<const std::unordered_set<std::string>> others(const std::string& hub);

  const HubEndpoints& hubs_;
  const Elsewhere* const elsewhere_;
  std::mutex mutex_;
  std::map<std::string, Others> others_;  // by hub; guarded by mutex_
};

class PaceOfReturn final : public management::PaceOfReturn {
 public:
  // `limit`: registrations a minute that provisioning lets through; nothing: all.
  PaceOfReturn(const watch::StoreWatch& store, std::optional<double> limit) : store_(store), limit_(limit) {}
  std::optional<double> registrations_per_minute() override { return limit_; }
  std::optional<double> measured_per_minute() override { return store_.issued_per_minute(); }

 private:
  const watch::StoreWatch& store_;
  const std::optional<double> limit_;
};

// Those of the brokers, from the folder where they are kept.
class OwnCertificates final : public management::OwnCertificates {
 public:
  explicit OwnCertificates(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::vector<Own> own_certificates() override;

 private:
  const std::filesystem::path folder_;
};

// The expiry numbers are counted at most once a minute, and less often the longer that takes: whoever scrapes sets the
// pace of the rest.
class MetricsSource final : public watch::Source {
 public:
  using Provisioning = std::function<watch::ProvisioningNumbers()>;  // may be empty
  // All outlive this object.
  MetricsSource(registry::Registry& registry, management::Insight& insight, const DecisionLog& decisions,
                const HubEndpoints& hubs, const HubClock& clock, Provisioning provisioning)
      : registry_(registry),
        insight_(insight),
        decisions_(decisions),
        hubs_(hubs),
        clock_(clock),
        provisioning_(std::move(provisioning)) {}
  watch::Numbers numbers() override;

 private:
  using Steady = std::chrono::steady_clock;
  void count_expiry(watch::Numbers& numbers);

  registry::Registry& registry_;
  management::Insight& insight_;
  const DecisionLog& decisions_;
  const HubEndpoints& hubs_;
  const HubClock& clock_;
  const Provisioning provisioning_;

  std::mutex mutex_;  // guards the rest
  std::vector<registry::ExpiryGroup> expiry_;
  std::vector<watch::AuthorityNumbers> authorities_;
  Steady::time_point next_count_{};
  UnixMs counted_at_ = 0;
};

// All of these for one hub process.
class FleetWatch {
 public:
  // All outlive this object.
  struct Rooms {
    registry::Registry& registry;
    management::Insight& insight;
    const DecisionLog& decisions;
    const HubEndpoints& hubs;
    const HubClock& clock;
    const watch::StoreWatch& store;
    std::filesystem::path certificates;                   // folder of the brokers' own
    std::optional<double> registrations_per_minute = {};  // that provisioning lets through
    MetricsSource::Provisioning provisioning = {};
    const Elsewhere* elsewhere = nullptr;  // of several nodes
  };
  explicit FleetWatch(const Rooms& rooms);
  ~FleetWatch() { stop(); }

  void lend_to(management::Parts& parts);
  // Metrics over HTTP from now on; answers the address, with the port that was chosen. kInvalidArgument.
  registry::Outcome<Address> serve_metrics(const Address& address);
  void stop();

 private:
  Attendance attendance_;
  PaceOfReturn pace_;
  OwnCertificates certificates_;
  MetricsSource source_;
  watch::Metrics metrics_;
  std::unique_ptr<http::Server> server_;
};

}  // namespace latchkey::hub::app
