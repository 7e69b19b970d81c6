// SPDX-License-Identifier: Apache-2.0
#include "hub/watch/metrics.h"

#include <prometheus/text_serializer.h>

#include <map>
#include <sstream>
#include <tuple>
#include <utility>

#include "hub/watch/families.h"

namespace latchkey::hub::watch {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using registry::Reason;

constexpr const char* kPath = "/metrics";
// Reasons below are what gates refuse connections with (registry/model/refusal.h): there from the start, at zero, so
// that the first refusal of a kind is an increase.
constexpr int kFirstConnectionReason = 1;
constexpr int kConnectionReasonsEnd = 40;

bool in_vocabulary(Reason reason) { return registry::faces(reason).reason == reason; }

void add_decisions(std::vector<MetricFamily>& families, const std::vector<EndpointNumbers>& endpoints) {
  auto accepted =
      make_family("latchkey_connections_accepted_total", "Connections that a gate let in.", MetricType::Counter);
  auto refused = make_family("latchkey_connections_refused_total",
                             "Connections that a gate refused, by the first check that failed.", MetricType::Counter);
  for (const auto& endpoint : endpoints) {
    add_counter(accepted, {{"endpoint", endpoint.name}}, endpoint.decisions[0]);
    for (int i = kFirstConnectionReason; i < registry::kReasonLimit; ++i) {
      const auto reason = static_cast<Reason>(i);
      const auto count = endpoint.decisions[static_cast<std::size_t>(i)];
      if (!in_vocabulary(reason) || (i >= kConnectionReasonsEnd && count == 0)) continue;
      add_counter(refused, {{"endpoint", endpoint.name}, {"reason", std::string(registry::to_string(reason))}}, count);
    }
  }
  families.push_back(std::move(accepted));
  families.push_back(std::move(refused));
}

using Number = double (*)(const EndpointNumbers&);

struct EndpointFamily {
  const char* name;
  const char* help;
  MetricType type;
  Number number;
};
const EndpointFamily kEndpointFamilies[] = {
    {"latchkey_sessions", "Sessions that stand now.", MetricType::Gauge,
     [](const EndpointNumbers& one) { return static_cast<double>(one.sessions); }},
    {"latchkey_gate_ready", "1 while the gate is linked and holds the whole state.", MetricType::Gauge,
     [](const EndpointNumbers& one) { return one.ready ? 1.0 : 0.0; }},
    {"latchkey_feed_lag_changes", "Changes of the registry that the gate has not confirmed yet.", MetricType::Gauge,
     [](const EndpointNumbers& one) { return static_cast<double>(one.lag); }},
    {"latchkey_device_messages_total", "Publishes of devices that the gate let through.", MetricType::Counter,
     [](const EndpointNumbers& one) { return static_cast<double>(one.messages); }},
    {"latchkey_decisions_dropped_total", "Decision records that fell out of the gate's ring before they were sent.",
     MetricType::Counter, [](const EndpointNumbers& one) { return static_cast<double>(one.dropped_decisions); }},
    {"latchkey_broker_restarts_total", "Times that the broker was started again.", MetricType::Counter,
     [](const EndpointNumbers& one) { return static_cast<double>(one.restarts); }},
    {"latchkey_renewals_total", "Certificates that were issued over live connections.", MetricType::Counter,
     [](const EndpointNumbers& one) { return static_cast<double>(one.renewals); }},
};

void add_endpoints(std::vector<MetricFamily>& families, const std::vector<EndpointNumbers>& endpoints) {
  for (const auto& [name, help, type, number] : kEndpointFamilies) {
    auto family = make_family(name, help, type);
    for (const auto& endpoint : endpoints) {
      if (type == MetricType::Counter) {
        add_metric(family, {{"endpoint", endpoint.name}}).counter.value = number(endpoint);
      } else {
        add_gauge(family, {{"endpoint", endpoint.name}}, number(endpoint));
      }
    }
    families.push_back(std::move(family));
  }
}

using ProvisioningNumber = double (*)(const ProvisioningNumbers&);

struct ProvisioningFamily {
  const char* name;
  const char* help;
  MetricType type;
  ProvisioningNumber number;
};
const ProvisioningFamily kProvisioningFamilies[] = {
    {"latchkey_registrations_waiting", "Registrations that were admitted and wait for their turn.", MetricType::Gauge,
     [](const ProvisioningNumbers& one) { return static_cast<double>(one.waiting); }},
    {"latchkey_registrations_running", "Registrations that are worked on.", MetricType::Gauge,
     [](const ProvisioningNumbers& one) { return static_cast<double>(one.running); }},
    {"latchkey_registrations_admitted_total", "Registrations that were taken on.", MetricType::Counter,
     [](const ProvisioningNumbers& one) { return static_cast<double>(one.admitted); }},
    {"latchkey_registrations_turned_away_total", "Registrations that there was no room for: 429.", MetricType::Counter,
     [](const ProvisioningNumbers& one) { return static_cast<double>(one.turned_away); }},
    {"latchkey_registrations_per_second", "Registrations that could be worked on in a second, as measured.",
     MetricType::Gauge, [](const ProvisioningNumbers& one) { return one.per_second; }},
    {"latchkey_registrations_retry_after_seconds",
     "How long until the last of those who were turned away may come again.", MetricType::Gauge,
     [](const ProvisioningNumbers& one) { return one.retry_after_s; }},
};

void add_provisioning(std::vector<MetricFamily>& families, const ProvisioningNumbers& numbers) {
  for (const auto& [name, help, type, number] : kProvisioningFamilies) {
    auto family = make_family(name, help, type);
    auto& metric = add_metric(family, {});
    (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = number(numbers);
    families.push_back(std::move(family));
  }
}

// One series for each name: a deleted policy may have namesakes, one that lives and others that were deleted as well.
using Place = std::tuple<std::string, std::string, std::string>;  // namespace, policy, hub
std::map<Place, registry::ExpiryGroup> by_place(const std::vector<registry::ExpiryGroup>& groups) {
  std::map<Place, registry::ExpiryGroup> places;
  for (const auto& group : groups) {
    auto& sum = places[{group.ns, group.policy_deleted ? group.policy + " (deleted)" : group.policy, group.hub}];
    for (std::size_t i = 0; i < sum.ends.size(); ++i) sum.ends[i] += group.ends[i];
    sum.due += group.due;
    sum.overdue += group.overdue;
    sum.expired += group.expired;
  }
  return places;
}

void add_expiry(std::vector<MetricFamily>& families, const std::vector<registry::ExpiryGroup>& groups) {
  auto ends = make_family("latchkey_expiring_devices",
                          "Devices by the end of the certificate that they stand with: within so many days, and not "
                          "within the next smaller number of them.",
                          MetricType::Gauge);
  auto states = make_family("latchkey_renewal_devices",
                            "Enabled devices in the renewal window (due), beyond it (overdue) or with an expired "
                            "certificate (expired).",
                            MetricType::Gauge);
  for (const auto& [place, group] : by_place(groups)) {
    for (std::size_t i = 0; i < group.ends.size(); ++i) {
      add_gauge(ends,
                {{"namespace", std::get<0>(place)},
                 {"policy", std::get<1>(place)},
                 {"hub", std::get<2>(place)},
                 {"within_days", std::to_string(registry::kExpiryDays[i])}},
                static_cast<double>(group.ends[i]));
    }
    const std::pair<const char*, std::uint64_t> counts[] = {
        {"due", group.due}, {"overdue", group.overdue}, {"expired", group.expired}};
    for (const auto& [state, count] : counts) {
      add_gauge(states,
                {{"namespace", std::get<0>(place)},
                 {"policy", std::get<1>(place)},
                 {"hub", std::get<2>(place)},
                 {"state", state}},
                static_cast<double>(count));
    }
  }
  for (auto* family : {&ends, &states}) {
    if (!family->metric.empty()) families.push_back(std::move(*family));
  }
}

void add_authorities(std::vector<MetricFamily>& families, const std::vector<AuthorityNumbers>& authorities) {
  auto family = make_family("latchkey_ca_not_after_timestamp_seconds", "When the current root and issuing CAs end.",
                            MetricType::Gauge);
  for (const auto& one : authorities) {
    add_gauge(family, {{"kind", one.kind}, {"namespace", one.ns}, {"policy", one.policy}},
              static_cast<double>(one.not_after) / 1000.0);
  }
  if (!family.metric.empty()) families.push_back(std::move(family));
}

http::Response refusal(int status, const char* text) { return {status, "text/plain; charset=utf-8", text}; }

}  // namespace

std::vector<MetricFamily> families_of(const Numbers& numbers) {
  std::vector<MetricFamily> families;
  auto build = make_family("latchkey_build_info", "The program's version; always 1.", MetricType::Gauge);
  add_gauge(build, {{"version", numbers.version}}, 1);
  families.push_back(std::move(build));
  if (!numbers.endpoints.empty()) {
    add_decisions(families, numbers.endpoints);
    add_endpoints(families, numbers.endpoints);
  }
  if (numbers.provisioning) add_provisioning(families, *numbers.provisioning);
  add_expiry(families, numbers.expiry);
  add_authorities(families, numbers.authorities);
  return families;
}

std::string exposition(const std::vector<MetricFamily>& families) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return std::move(out).str();
}

http::Response Metrics::handle(const http::Request& request) const {
  if (request.path != kPath) return refusal(404, "Metrics are at /metrics.\n");
  if (request.method != "GET" && request.method != "HEAD") {
    auto response = refusal(405, "Metrics can only be read.\n");
    response.fields.emplace_back("Allow", "GET, HEAD");
    return response;
  }
  auto families = families_of(source_.numbers());
  for (auto& family : store_.collect()) families.push_back(std::move(family));
  return {200, kContentType, exposition(families)};
}

}  // namespace latchkey::hub::watch
