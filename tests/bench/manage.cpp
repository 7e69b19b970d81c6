// SPDX-License-Identifier: Apache-2.0
// bench_manage [DEVICES] [FOLDER]: what managing a million devices costs, at the registry and over the management API's
// Unix socket.
//
// The data folder is a real hub's: `latchkey up` makes it, the devices are then created at the registry, and it is
// started again for what goes over the socket, so that a gate holds all of them. Registrations, certificates and
// individual enrollments of the devices are put in by SQL, as provisioning would have left them: a million
// conversations with DPS are another benchmark's business.
//
// The 500 issuances a second beside the revocations are made in this process: register_device, a signature by the hub's
// own CA key, finish_issuance, on the same store, from eight threads that keep pace. A hub process cannot be running on
// that store meanwhile, so these revocations wait for the commit and for no gate; how long gates take is
// bench_revoke's.
//
// Ratios are against SQLite itself with the same rows and sizes of transactions (manage_raw.h), within the same minute.
// The disk's sync is most of what a commit costs: a row says how long one takes here.
#include <openssl/evp.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/issuance.h"
#include "hub/cli/client.h"
#include "platform/openssl/digest.h"
#include "registry/model/audit.h"
#include "tests/bench/manage_plant.h"
#include "tests/bench/manage_raw.h"
#include "tests/bench/report.h"
#include "tests/support/hub.h"

namespace latchkey::bench {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kBlock = 10'000;  // devices between two looks at the clock
constexpr int kIssuersAtOnce = 8;
constexpr double kIssuancesPerSecond = 500;
constexpr int kRevocations = 500;
constexpr int kPages = 200;

struct Bench {
  std::uint64_t devices;
  std::filesystem::path folder;
  Report report{"manage", "ec-p256"};
  std::mt19937_64 random{42};

  std::string some_device() { return device_name(1 + random() % devices); }
};

void add_times(Bench& bench, const std::string& what, const std::vector<double>& ms) {
  bench.report.row({{"what", what},
                    {"p50 ms", percentile(ms, 0.5)},
                    {"p99 ms", percentile(ms, 0.99)},
                    {"max ms", percentile(ms, 1.0)},
                    {"of", static_cast<double>(ms.size())}});
}

// --- creation

std::vector<std::string> names(std::uint64_t first, std::uint64_t count) {
  std::vector<std::string> ids;
  for (std::uint64_t i = 0; i < count; ++i) ids.push_back(device_name(first + i));
  return ids;
}

void measure_creation(Bench& bench, Plant& plant, Raw& raw) {
  std::vector<double> ours;
  std::vector<double> theirs;
  std::vector<double> ratios;
  double total = 0;
  for (std::uint64_t made = 0; made < bench.devices; made += kBlock) {
    const auto count = std::min(kBlock, bench.devices - made);
    const double our_ms = timed([&] { plant.create(count); });
    const double raw_ms = timed([&] {
      for (std::uint64_t done = 0; done < count; done += registry::kDevicesInOneCommit) {
        raw.insert_devices(
            names(made + done + 1, std::min<std::uint64_t>(registry::kDevicesInOneCommit, count - done)));
      }
    });
    total += our_ms;
    ours.push_back(static_cast<double>(count) / our_ms * 1000);
    theirs.push_back(static_cast<double>(count) / raw_ms * 1000);
    ratios.push_back(our_ms / raw_ms);
    if ((made / kBlock) % 10 == 9) std::cerr << made + count << " devices, " << ours.back() << "/s\n";
  }
  const std::size_t tenth = std::max<std::size_t>(ours.size() / 10, 1);
  bench.report.row({{"what", "bulk creation, the first tenth"},
                    {"per s", median({ours.begin(), ours.begin() + static_cast<long>(tenth)})},
                    {"raw SQLite per s", median({theirs.begin(), theirs.begin() + static_cast<long>(tenth)})}});
  bench.report.row({{"what", "bulk creation, the last tenth"},
                    {"per s", median({ours.end() - static_cast<long>(tenth), ours.end()})},
                    {"raw SQLite per s", median({theirs.end() - static_cast<long>(tenth), theirs.end()})}});
  bench.report.check("bulk creation", static_cast<double>(bench.devices) / total * 1000, "devices/s", Goal::kAtLeast,
                     20'000);
  bench.report.check("bulk creation, median of blocks", median(ours), "devices/s");
  bench.report.check("bulk creation, time over raw SQLite with the same rows", median(ratios), "x");
}

// How much of the raw time the audit's rows are, and what its hashes cost.
void measure_audit(Bench& bench) {
  registry::AuditRecord record{7,
                               1'900'000'000'000,
                               "uid:0 (root)",
                               "device.create",
                               "namespaces/plant/devices/device-0000042",
                               "ok",
                               "",
                               "unix socket",
                               "",
                               "credential=01234567 enabled=yes version=1",
                               {},
                               {}};
  constexpr int kHashes = 100'000;
  const double ms = timed([&] {
    for (int i = 0; i < kHashes; ++i) {
      record.number = static_cast<std::uint64_t>(i);
      record.previous = must(registry::audit_hash(openssl::host_digest(), record));
    }
  });
  bench.report.row({{"what", "audit: hash of a record"}, {"us", ms / kHashes * 1000}});
}

// Creates on the writer alone: with its audit record and without.
void measure_writer(Bench& bench, const std::filesystem::path& folder) {
  std::vector<double> rates[2];
  for (int round = 0; round < 7; ++round) {
    for (int audited = 0; audited < 2; ++audited) {
      Raw raw((folder / ("writer-" + std::to_string(round) + std::to_string(audited))).string());
      if (audited == 0) raw.leave_out_audit();
      const double ms = timed([&] {
        for (std::uint64_t i = 0; i < 20; ++i) raw.insert_devices(names(i * 500 + 1, 500));
      });
      rates[audited].push_back(10'000 / ms * 1000);
    }
  }
  bench.report.row({{"what", "raw writer without audit rows"}, {"per s", median(rates[0])}});
  bench.report.row({{"what", "raw writer with audit rows"}, {"per s", median(rates[1])}});
  bench.report.check("audit rows, share of the raw writer's time", 100 * (1 - median(rates[1]) / median(rates[0])),
                     "%");
}

// --- single revocations beside issuances

class Issuers {
 public:
  Issuers(Bench& bench, Plant& plant, const std::filesystem::path& data)
      : bench_(bench),
        plant_(plant),
        keys_(must(hub::ca::FileKeyProvider::open(data / "keys"))),
        authority_(*keys_, {}),
        issuance_(plant.registry(), authority_),
        csr_(must(authority_.read_csr(tests::make_csr(tests::make_key(), "device"), std::nullopt))),
        group_(must(plant.registry().find_enrollment("default", true)).uuid) {}

  void start() {
    for (int i = 0; i < kIssuersAtOnce; ++i) threads_.emplace_back([this, i] { run(i); });
  }
  // Issuances a second since the start.
  double stop() {
    stopping_ = true;
    const double seconds = ms_since(began_) / 1000;
    for (auto& thread : threads_) thread.join();
    return static_cast<double>(times_.size()) / seconds;
  }
  const std::vector<double>& times() const { return times_; }
  int failed() const { return failed_; }

 private:
  void run(int who) {
    std::mt19937_64 random(static_cast<std::uint64_t>(who));
    const auto step = std::chrono::duration<double>(kIssuersAtOnce / kIssuancesPerSecond);
    for (int i = 0; !stopping_; ++i) {
      std::this_thread::sleep_until(began_ + std::chrono::duration_cast<steady_clock::duration>(step * i));
      const double ms = timed([&] { issue(device_name(1 + random() % bench_.devices)); });
      const std::lock_guard lock(mutex_);
      times_.push_back(ms);
    }
  }
  void issue(const std::string& device) {
    const auto granted =
        plant_.registry().register_device(plant_.call(), {device, group_, true, hub::ca::Authority::new_serial(), ""});
    const bool fine = granted && granted->value.issuance &&
                      issuance_.issue(plant_.call(), *granted->value.issuance, csr_).has_value();
    if (!fine) ++failed_;
  }

  Bench& bench_;
  Plant& plant_;
  std::unique_ptr<hub::ca::FileKeyProvider> keys_;
  hub::ca::Authority authority_;
  hub::ca::Issuance issuance_;
  const hub::ca::Csr csr_;
  const Uuid group_;
  const steady_clock::time_point began_ = steady_clock::now();
  std::atomic<bool> stopping_ = false;
  std::atomic<int> failed_ = 0;
  std::mutex mutex_;
  std::vector<double> times_;
  std::vector<std::thread> threads_;
};

// Twenty a second, each of another device; a raw commit of the same size on another file in between.
void revoke_some(Bench& bench, Plant& plant, Raw& raw, std::vector<double>& ours, std::vector<double>& theirs) {
  for (int i = 0; i < kRevocations; ++i) {
    const auto next = steady_clock::now() + std::chrono::milliseconds(50);
    const auto device = bench.some_device();
    ours.push_back(timed([&] { must(plant.registry().revoke_device(plant.call(), "default", device, false)); }));
    const auto number = 1 + bench.random() % bench.devices;
    theirs.push_back(timed([&] { raw.touch(number); }));
    std::this_thread::sleep_until(next);
  }
}

void measure_revocation(Bench& bench, Plant& plant, Raw& raw, const std::filesystem::path& data) {
  std::vector<double> quiet, quiet_raw, busy, busy_raw;
  revoke_some(bench, plant, raw, quiet, quiet_raw);
  Issuers issuers(bench, plant, data);
  issuers.start();
  revoke_some(bench, plant, raw, busy, busy_raw);
  const double rate = issuers.stop();
  add_times(bench, "single revoke, nothing beside it", quiet);
  add_times(bench, "raw commit, nothing beside it", quiet_raw);
  add_times(bench, "single revoke beside issuances", busy);
  add_times(bench, "raw commit beside issuances", busy_raw);
  add_times(bench, "issuance beside revocations", issuers.times());
  bench.report.check("issuances beside the revocations", rate, "per s", Goal::kAtLeast, 0.95 * kIssuancesPerSecond);
  bench.report.check("issuances that failed", issuers.failed(), "issuances", Goal::kAtMost, 0);
  bench.report.check("single revoke beside issuances, p99", percentile(busy, 0.99), "ms", Goal::kBelow, 20);
  bench.report.check("single revoke over raw commit, both beside issuances, p99",
                     percentile(busy, 0.99) / percentile(busy_raw, 0.99), "x");
}

// --- pages and reports

void measure_pages(Bench& bench, Plant& plant, Raw& raw) {
  auto& registry = plant.registry();
  const auto group = must(registry.find_enrollment("default", true)).uuid;
  std::vector<double> ours, theirs, enrollments, registrations, expiring;
  std::string after;
  for (int i = 0; i < kPages; ++i) {
    const auto start = bench.some_device();
    ours.push_back(timed([&] { must(registry.list_devices("default", start, 100)); }));
    theirs.push_back(timed([&] { raw.read_page(start, 101); }));
    enrollments.push_back(timed([&] { must(registry.enrollments_after(false, start, 100)); }));
    registrations.push_back(timed([&] { must(registry.registrations_after(group, start, 100)); }));
    registry::ExpiringPageQuery query;
    query.query.now = plant.now();
    query.after = after;
    expiring.push_back(timed([&] { after = must(registry.expiring_devices(query)).next; }));
  }
  add_times(bench, "registry: page of 100 devices", ours);
  add_times(bench, "raw SQLite: page of 100 devices", theirs);
  add_times(bench, "registry: page of 100 enrollments", enrollments);
  add_times(bench, "registry: page of 100 registrations of a group", registrations);
  add_times(bench, "registry: page of 100 that end within 30 days", expiring);
  bench.report.check("page of devices, median over raw SQLite", median(ours) / median(theirs), "x");
}

void measure_reports(Bench& bench, Plant& plant) {
  auto& registry = plant.registry();
  registry::ExpiryQuery ends;
  ends.now = plant.now();
  const double expiry = timed([&] { must(registry.expiry_report(ends)); });
  Nobody nobody;
  registry::PlannedAct act;
  act.ns = "default";
  act.name = "default";
  registry::Forecast forecast;
  const double what_if = timed([&] { forecast = must(registry.forecast(plant.call(), act, nobody, {})); });
  const double counted = timed([&] { must(registry.count_devices("default")); });
  bench.report.row({{"what", "registry: expiry report"}, {"ms", expiry}});
  bench.report.row(
      {{"what", "registry: what if the policy were revoked"},
       {"ms", what_if},
       {"devices", static_cast<double>(forecast.losing)},
       {"us a device", what_if * 1000 / static_cast<double>(std::max<std::uint64_t>(forecast.losing, 1))}});
  bench.report.row({{"what", "registry: count of devices"}, {"ms", counted}});
}

// --- policies

void measure_policies(Bench& bench, Plant& plant, const std::filesystem::path& folder) {
  std::map<std::uint64_t, std::unique_ptr<Plant>> others;
  for (const std::uint64_t size : {bench.devices / 1000, bench.devices / 10}) {
    auto& other = others[size] = std::make_unique<Plant>((folder / ("plant-" + std::to_string(size))).string());
    for (std::uint64_t made = 0; made < size; made += kBlock) other->create(std::min(kBlock, size - made));
    other->furnish("default");
  }
  std::map<std::uint64_t, std::vector<double>> times;
  std::vector<std::pair<std::uint64_t, Plant*>> turn = {{bench.devices, &plant}};
  for (auto& [size, other] : others) turn.emplace_back(size, other.get());
  for (int round = 0; round < 61; ++round) {
    for (auto& [size, one] : turn) times[size].push_back(one->revoke_policy());
    std::rotate(turn.begin(), turn.begin() + 1, turn.end());  // a sync after another one is a shorter one
  }
  for (const auto& [size, ms] : times) {
    add_times(bench, "policy revoke at " + std::to_string(size) + " devices", ms);
    bench.report.row({{"what", "the first one, with every leaf below it"}, {"ms", ms.front()}});
  }
  const double small = median(times.begin()->second);
  for (const auto& [size, ms] : times) {
    if (size == times.begin()->first) continue;
    bench.report.check("policy revoke at " + std::to_string(size) + " over " + std::to_string(times.begin()->first) +
                           " devices, median",
                       median(ms) / small, "x", Goal::kAtMost, 1.25);
  }
}

// --- over the socket

class Socket {
 public:
  explicit Socket(const std::string& data) : api_(hub::cli::unix_socket_api(data)) {}

  // The best status is expected; anything else ends the benchmark.
  double ask(const std::string& method, const std::string& target, const std::string& body = {}) {
    hub::cli::Reply reply;
    const double ms = timed([&] {
      auto answered = api_->exchange(method, target, body);
      if (!answered) throw std::runtime_error(answered.error().message);
      reply = std::move(*answered);
    });
    if (reply.status / 100 != 2) throw std::runtime_error(method + " " + target + ": " + reply.body);
    return ms;
  }

 private:
  std::unique_ptr<hub::cli::Api> api_;
};

// $skipToken: the id of the last device before the page, in base64.
std::string token(const std::string& text) {
  std::string encoded(4 * ((text.size() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  encoded.resize(static_cast<std::size_t>(size));
  std::string escaped;
  for (const char c : encoded) escaped += c == '=' ? "%3D" : c == '+' ? "%2B" : c == '/' ? "%2F" : std::string(1, c);
  return escaped;
}

void page_check(Bench& bench, const std::string& what, const std::vector<double>& ms) {
  add_times(bench, "socket: " + what, ms);
  bench.report.check(what + ", p99", percentile(ms, 0.99), "ms", Goal::kBelow, 50);
}

template <class Ask>
std::vector<double> repeated(int times, Ask ask) {
  std::vector<double> ms;
  for (int i = 0; i < times; ++i) ms.push_back(ask(i));
  return ms;
}

void measure_socket(Bench& bench, Socket& socket) {
  const auto list = [&](int top) {
    return repeated(kPages, [&](int) {
      return socket.ask("GET", "/namespaces/default/devices?$top=" + std::to_string(top) +
                                   "&$skipToken=" + token(bench.some_device()));
    });
  };
  page_check(bench, "page of 100 devices", list(100));
  page_check(bench, "page of 1000 devices", list(1000));
  const auto query = [&](const std::string& path, const std::string& text) {
    const auto body = nlohmann::json{{"query", text}}.dump();
    return repeated(kPages, [&](int) { return socket.ask("POST", path, body); });
  };
  page_check(bench, "query of identities, all", query("/devices/query", "SELECT * FROM devices"));
  page_check(bench, "query of identities that fits none",
             query("/devices/query", "SELECT * FROM devices WHERE status = 'disabled'"));
  page_check(bench, "query of enrollments", query("/enrollments/query", "SELECT * FROM enrollments"));
  page_check(bench, "query of enrollment groups", query("/enrollmentGroups/query", "SELECT * FROM enrollmentGroups"));
  page_check(bench, "query of a group's registrations",
             repeated(kPages, [&](int) { return socket.ask("POST", "/registrations/default/query", "{}"); }));
  page_check(bench, "page of 100 that end within 30 days",
             repeated(kPages, [&](int) { return socket.ask("GET", "/expiry/devices?within=30&top=100"); }));
  page_check(bench, "page of 100 audit records",
             repeated(kPages, [&](int) { return socket.ask("GET", "/audit?top=100"); }));
  bench.report.row({{"what", "socket: statistics of devices"}, {"ms", socket.ask("GET", "/statistics/devices")}});
  bench.report.row({{"what", "socket: expiry report"}, {"ms", socket.ask("GET", "/expiry?within=30")}});
  bench.report.row({{"what", "socket: what if the policy were revoked"},
                    {"ms", socket.ask("POST",
                                      "/namespaces/default/credentials/default/policies/default/revokeIssuer"
                                      "?whatIf=true",
                                      "{}")}});
  add_times(bench, "socket: single revoke, until the gate holds it", repeated(kPages, [&](int) {
              return socket.ask("POST", "/namespaces/default/devices/" + bench.some_device() + "/revoke", "{}");
            }));
  constexpr int kRequests = 50;
  double total = 0;
  add_times(bench, "socket: 100 identities in one request", repeated(kRequests, [&](int i) {
              auto items = nlohmann::json::array();
              for (int k = 0; k < 100; ++k) {
                items.push_back({{"id", "more-" + std::to_string(i * 100 + k)}, {"importMode", "create"}});
              }
              const double ms = socket.ask("POST", "/devices", items.dump());
              total += ms;
              return ms;
            }));
  bench.report.check("creation by requests of 100, one after the other", kRequests * 100 / total * 1000, "devices/s");
}

int run(Bench& bench) {
  bench.report.version("sqlite", sqlite3_libversion());
  const auto scratch = bench.folder / "scratch";
  std::filesystem::create_directories(scratch);
  tests::Hub::Options options;
  options.data = bench.folder / "data";
  options.rehearsal = false;
  tests::Hub hub(options);
  hub.start();
  hub.stop();
  {
    Plant plant((options.data / "registry.db").string());
    Raw raw((scratch / "raw.db").string());
    measure_creation(bench, plant, raw);
    measure_writer(bench, scratch);
    measure_audit(bench);
    plant.furnish("default");
    measure_pages(bench, plant, raw);
    measure_reports(bench, plant);
    measure_revocation(bench, plant, raw, options.data);
  }
  const double started = timed([&] { hub.start(); });
  bench.report.row({{"what", "start of the hub, until it serves"}, {"ms", started}});
  {
    Socket socket(options.data.string());
    measure_socket(bench, socket);
  }
  hub.stop();
  Plant plant((options.data / "registry.db").string());
  measure_policies(bench, plant, scratch);
  return bench.report.finish() ? 0 : 1;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  using namespace latchkey::bench;
  const std::uint64_t devices = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  if (devices < 1000) {
    std::cerr << "usage: bench_manage [DEVICES, from 1000 on] [FOLDER]\n";
    return 2;
  }
  const std::filesystem::path folder =
      argc > 2 ? argv[2] : std::filesystem::temp_directory_path() / ("latchkey-manage-" + std::to_string(::getpid()));
  Bench bench{devices, folder};
  int status = 1;
  try {
    status = run(bench);
  } catch (const std::exception& failed) {
    std::cerr << failed.what() << "\n";
  }
  std::error_code ignored;
  if (argc <= 2) std::filesystem::remove_all(folder, ignored);
  return status;
}
