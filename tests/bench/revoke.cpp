// SPDX-License-Identifier: Apache-2.0
// bench_revoke [DEVICES]: connected devices are revoked one after the other. How long until an acknowledged revocation
// has cut the live session, and is the old certificate refused from the first attempt after the acknowledgement on?
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "hub/cli/client.h"
#include "tests/bench/report.h"
#include "tests/support/hub.h"

namespace {

using latchkey::bench::Goal;
using latchkey::bench::percentile;
using latchkey::tests::DeviceClient;
using latchkey::tests::Hub;
using latchkey::tests::Identity;
using latchkey::tests::Seen;
using latchkey::tests::TimePoint;

constexpr int kProvisioners = 4;
constexpr int kAttempts = 3;  // with the old certificate, right after the acknowledgement

double ms(TimePoint from, TimePoint to) { return std::chrono::duration<double, std::milli>(to - from).count(); }

struct Device {
  std::string id;
  Identity identity;
  std::unique_ptr<DeviceClient> client;
};

void connect_range(Hub& hub, std::vector<Device>& devices, std::size_t first) {
  for (std::size_t i = first; i < devices.size(); i += kProvisioners) {
    auto& device = devices[i];
    device.id = "bench-" + std::to_string(i);
    device.identity = hub.provision(device.id);
    device.client = std::make_unique<DeviceClient>(hub.hub_options(device.id, device.identity));
    if (device.client->connect().seen != Seen::kAccepted) std::cerr << device.id << " cannot connect\n";
  }
}

std::vector<Device> connect_all(Hub& hub, std::size_t count) {
  std::vector<Device> devices(count);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kProvisioners; ++i) threads.emplace_back([&, i] { connect_range(hub, devices, i); });
  for (auto& thread : threads) thread.join();
  return devices;
}

struct Figures {
  std::vector<double> request_to_cut, request_to_acknowledged, acknowledged_to_cut;
  int kept = 0;      // sessions that outlived their revocation
  int accepted = 0;  // attempts with the old certificate that were not refused with CONNACK 5
  int attempts = 0;
};

void revoke_one(Hub& hub, latchkey::hub::cli::Api& api, Device& device, Figures& figures) {
  const auto asked = std::chrono::steady_clock::now();
  const auto reply = api.exchange("POST", "/namespaces/default/devices/" + device.id + "/revoke", "{}");
  const auto acknowledged = std::chrono::steady_clock::now();
  if (!reply || reply->status / 100 != 2) std::cerr << device.id << ": the revocation failed\n";
  for (int i = 0; i < kAttempts; ++i) {
    DeviceClient old(hub.hub_options(device.id, device.identity));
    const auto result = old.connect();
    figures.accepted += result.seen == Seen::kRefused && result.connack == 5 ? 0 : 1;
    ++figures.attempts;
  }
  const auto cut = device.client->wait_closed();
  figures.kept += cut ? 0 : 1;
  if (!cut) return;
  figures.request_to_cut.push_back(ms(asked, *cut));
  figures.request_to_acknowledged.push_back(ms(asked, acknowledged));
  figures.acknowledged_to_cut.push_back(std::max(0.0, ms(acknowledged, *cut)));
}

void add_row(latchkey::bench::Report& report, const std::string& what, const std::vector<double>& values) {
  report.row({{"what", what},
              {"p50 ms", percentile(values, 0.5)},
              {"p99 ms", percentile(values, 0.99)},
              {"max ms", percentile(values, 1.0)}});
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200;
  Hub hub;
  hub.start();
  auto devices = connect_all(hub, count);
  const auto api = latchkey::hub::cli::unix_socket_api(hub.data().string());
  Figures figures;
  for (auto& device : devices) revoke_one(hub, *api, device, figures);

  latchkey::bench::Report report("revoke", "ec-p256");
  add_row(report, "revoke requested to acknowledged", figures.request_to_acknowledged);
  add_row(report, "revoke requested to session cut", figures.request_to_cut);
  add_row(report, "revoke acknowledged to session cut (0: cut before)", figures.acknowledged_to_cut);
  report.check("acknowledged to cut, p50", percentile(figures.acknowledged_to_cut, 0.5), "ms", Goal::kBelow, 5);
  report.check("acknowledged to cut, p99", percentile(figures.acknowledged_to_cut, 0.99), "ms", Goal::kBelow, 50);
  report.check("requested to cut, p50", percentile(figures.request_to_cut, 0.5), "ms");
  report.check("requested to cut, p99", percentile(figures.request_to_cut, 0.99), "ms");
  report.check("sessions that outlived their revocation", figures.kept, "sessions", Goal::kAtMost, 0);
  report.check("old certificates not refused after the acknowledgement", figures.accepted,
               "of " + std::to_string(figures.attempts) + " attempts", Goal::kAtMost, 0);
  return report.finish() ? 0 : 1;
}
