// SPDX-License-Identifier: Apache-2.0
#include "hub/app/process/fleet_watch.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "platform/files/file.h"

namespace latchkey::hub::app {
namespace {

constexpr std::size_t kCertificateMax = 64 * 1024;
constexpr auto kCountEvery = std::chrono::seconds(60);
constexpr int kShareOfTime = 20;  // the count may take one part in so many
constexpr auto kOthersStand = std::chrono::seconds(1);
constexpr UnixMs kClockJump = 60'000;

// The first certificate of a PEM file; empty when there is none.
registry::Bytes first_certificate(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      &BIO_free);
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr, &X509_free);
  unsigned char* der = nullptr;
  const int size = certificate ? i2d_X509(certificate.get(), &der) : 0;
  registry::Bytes bytes;
  if (size > 0) bytes.assign(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

std::vector<std::string> Attendance::connected(const std::string& hub) {
  std::vector<std::string> ids;
  const auto endpoint = hubs_.find(hub);
  if (!endpoint) return ids;
  std::unordered_set<std::string> all;
  for (auto& device : endpoint->sessions().connected()) all.insert(std::move(device.device_id));
  if (elsewhere_ != nullptr) {
    const auto there = others(hub);
    all.insert(there->begin(), there->end());
  }
  ids.assign(all.begin(), all.end());
  return ids;
}

bool Attendance::connected(const std::string& hub, const std::string& device) {
  const auto endpoint = hubs_.find(hub);
  if (!endpoint) return false;
  return endpoint->sessions().connected(device) || (elsewhere_ != nullptr && others(hub)->contains(device));
}

std::shared_ptr<const std::unordered_set<std::string>> Attendance::others(const std::string& hub) {
  const std::lock_guard lock(mutex_);
  auto& known = others_[hub];
  if (known.devices == nullptr || Steady::now() >= known.until) {
    const auto devices = elsewhere_->connected(hub);
    known.devices = std::make_shared<const std::unordered_set<std::string>>(devices.begin(), devices.end());
    known.until = Steady::now() + kOthersStand;
  }
  return known.devices;
}

std::optional<UnixMs> Attendance::last_seen(const std::string& ns, const std::string& device) {
  std::optional<UnixMs> last;
  for (const auto& hub : hubs_.all()) {
    if (hub->namespace_name() != ns) continue;
    if (const auto seen = hub->sessions().last_seen(device)) last = std::max(last.value_or(*seen), *seen);
  }
  return last;
}

std::vector<management::OwnCertificates::Own> OwnCertificates::own_certificates() {
  std::vector<Own> own;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() != ".pem") continue;
    auto der = first_certificate(files::read_text(entry.path(), kCertificateMax).value_or(""));
    if (!der.empty()) own.push_back({entry.path().filename().string(), std::move(der)});
  }
  return own;
}

watch::Numbers MetricsSource::numbers() {
  watch::Numbers numbers;
  const auto state = insight_.status();
  numbers.version = state.version;
  for (const auto& gate : state.gates) {
    auto& endpoint = numbers.endpoints.emplace_back();
    endpoint.name = gate.endpoint;
    endpoint.ready = gate.ready;
    endpoint.sessions = gate.connections;
    endpoint.lag = state.newest > gate.cut ? state.newest - gate.cut : 0;
    endpoint.decisions = decisions_.counts(gate.endpoint);
    endpoint.dropped_decisions = gate.dropped_decisions;
    endpoint.messages = gate.messages;
    endpoint.restarts = gate.restarts;
    if (const auto hub = hubs_.led_by(gate.endpoint)) endpoint.renewals = hub->sessions().totals().renewals;
  }
  if (provisioning_) numbers.provisioning = provisioning_();
  count_expiry(numbers);
  return numbers;
}

void MetricsSource::count_expiry(watch::Numbers& numbers) {
  const std::lock_guard lock(mutex_);
  const auto began = Steady::now();
  const UnixMs now = clock_.now();
  // A rehearsal's clock that jumps makes the last count worthless.
  const auto passed = now - counted_at_;
  const bool jumped = passed < 0 || passed > kClockJump + std::chrono::milliseconds(kCountEvery).count();
  if (began >= next_count_ || jumped) {
    registry::ExpiryQuery query;
    query.now = now;
    query.within_days = registry::kExpiryDays.back();
    if (auto report = registry_.expiry_report(query)) expiry_ = std::move(report->groups);
    authorities_.clear();
    const auto namespaces = registry_.list_namespaces();
    for (const auto& ns : namespaces ? *namespaces : std::vector<registry::Namespace>()) {
      const auto credential = registry_.find_credential(ns.name);
      if (!credential) continue;
      if (const auto root = registry_.find_ca(credential->ca)) {
        authorities_.push_back({"root", ns.name, "", root->not_after});
      }
      const auto policies = registry_.list_policies(ns.name);
      for (const auto& policy : policies ? *policies : std::vector<registry::Policy>()) {
        const auto ca = registry_.find_ca(policy.ca);
        if (ca && ca->not_after > 0) authorities_.push_back({"issuing", ns.name, policy.name, ca->not_after});
      }
    }
    counted_at_ = now;
    next_count_ = began + std::max<Steady::duration>(kCountEvery, (Steady::now() - began) * kShareOfTime);
  }
  numbers.expiry = expiry_;
  numbers.authorities = authorities_;
}

FleetWatch::FleetWatch(const Rooms& rooms)
    : attendance_(rooms.hubs, rooms.elsewhere),
      pace_(rooms.store, rooms.registrations_per_minute),
      certificates_(rooms.certificates),
      source_(rooms.registry, rooms.insight, rooms.decisions, rooms.hubs, rooms.clock, rooms.provisioning),
      metrics_(source_, rooms.store) {}

void FleetWatch::lend_to(management::Parts& parts) {
  parts.attendance = &attendance_;
  parts.pace_of_return = &pace_;
  parts.own_certificates = &certificates_;
}

registry::Outcome<Address> FleetWatch::serve_metrics(const Address& address) {
  http::Handlers handlers;
  handlers.handle = [this](const http::Request& request) { return metrics_.handle(request); };
  http::Options options;
  options.threads = 1;
  options.connection_limit = 16;
  LATCHKEY_TRY(server, http::Server::listen_tcp(address.host, address.port, options, std::move(handlers)));
  server_ = std::move(server);
  return Address{address.host, server_->port()};
}

void FleetWatch::stop() {
  if (server_) server_->stop();
}

}  // namespace latchkey::hub::app
