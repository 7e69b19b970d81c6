// SPDX-License-Identifier: Apache-2.0
// bench_store [DEVICES]: issuances on a registry on PostgreSQL against the same on SQLite, on the same disk, one after
// the other in each round, so that a noisy minute hits both.
//
// An issuance is as in bench_issuance: a CSR is read and verified, a commit, a signature, a commit. First each device
// registers, and is made by that; then each renews. PostgreSQL is Debian's with the settings that
// matter as they come: it syncs each commit, as SQLite does.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/issuance.h"
#include "registry/store/sql.h"
#include "tests/bench/issuance_rivals.h"
#include "tests/bench/manage_plant.h"
#include "tests/bench/report.h"
#include "tests/support/postgresql.h"

namespace latchkey::bench {
namespace {

using hub::ca::Authority;

constexpr int kRounds = 3;
constexpr std::size_t kInProgress = 16;

class Ground {
 public:
  Ground(const std::string& store, const std::filesystem::path& keys)
      : plant_(store), keys_(must(hub::ca::FileKeyProvider::open(keys))), authority_(*keys_, {}) {
    const auto root = must(authority_.make_root(registry::KeyProfile::kEcP256, plant_.now()));
    registry::CaCertificate signer;
    signer.id = root.id;
    signer.subject = root.subject;
    signer.not_after = root.not_after;
    signer.der = root.der;
    signer.key_ref = root.key_ref;
    auto issuing = must(authority_.make_issuing(signer, registry::KeyProfile::kEcP256, plant_.now()));
    // The plant's root has no key: for the registry the new CA hangs below it all the same.
    issuing.issuer = must(plant_.registry().find_credential("default")).ca;
    must(plant_.registry().revoke_policy(plant_.call(), "default", "default", issuing));
    registry::NewEnrollment group;
    group.id = "all";
    group.group = true;
    group.namespace_name = "default";
    group.primary = registry::Bytes{'k'};
    group.policy_name = "default";
    group_ = must(plant_.registry().create_enrollment(plant_.call(), group)).value.uuid;
    issuance_ = std::make_unique<hub::ca::Issuance>(plant_.registry(), authority_);
  }

  void register_and_issue(const PreparedCsr& csr) {
    const auto checked = must(authority_.read_csr(csr.base64, csr.device));
    const auto grant =
        must(plant_.registry().register_device(plant_.call(), {csr.device, group_, true, Authority::new_serial(), ""}));
    must(issuance_->issue(plant_.call(), grant.value.issuance.value(), checked));
  }
  void renew(const PreparedCsr& csr) {
    const auto checked = must(authority_.read_csr(csr.base64, csr.device));
    const auto grant =
        must(plant_.registry().begin_renewal(plant_.call(), "default", csr.device, Authority::new_serial()));
    must(issuance_->issue(plant_.call(), grant.value, checked));
  }

 private:
  Plant plant_;
  std::unique_ptr<hub::ca::FileKeyProvider> keys_;
  Authority authority_;
  std::unique_ptr<hub::ca::Issuance> issuance_;
  Uuid group_;
};

// A second, by the clock.
template <class Issue>
double rate(const std::vector<PreparedCsr>& csrs, Issue issue) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::string failure;
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kInProgress; ++i) {
    threads.emplace_back([&] {
      try {
        for (std::size_t at = next++; at < csrs.size(); at = next++) issue(csrs[at]);
      } catch (const std::exception& error) {
        const std::lock_guard lock(mutex);
        failure = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (!failure.empty()) throw std::runtime_error(failure);
  return static_cast<double>(csrs.size()) /
         std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

// CPU seconds of a process and of its children that have ended (proc(5), stat: fields 14 to 17).
double cpu_with_children(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  double sum = 0, ticks = 0;
  for (int field = 14; field <= 17 && fields >> ticks; ++field) sum += ticks;
  return sum / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

struct Rates {
  double registrations = 0;
  double renewals = 0;
  double cpu_us = 0;  // of this process, an issuance
};

Rates measure(const std::string& store, const std::filesystem::path& keys, const std::vector<PreparedCsr>& csrs) {
  Ground ground(store, keys);
  Rates rates;
  const double before = own_cpu_seconds();
  rates.registrations = rate(csrs, [&](const PreparedCsr& csr) { ground.register_and_issue(csr); });
  rates.renewals = rate(csrs, [&](const PreparedCsr& csr) { ground.renew(csr); });
  rates.cpu_us = 1e6 * (own_cpu_seconds() - before) / static_cast<double>(2 * csrs.size());
  return rates;
}

void make_schema(const tests::PostgresServer& server, const std::string& name) {
  const auto database =
      must(registry::store::Database::open(server.url("postgres"), registry::store::Database::Access::kReadWrite));
  must(database->execute("CREATE SCHEMA " + name));
}

int bench(std::size_t devices) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < devices; ++i) names.push_back("device-" + std::to_string(i));
  const auto csrs = prepare_csrs(names);
  const tests::TemporaryFolder folder;
  ::setenv("TMPDIR", folder.path().c_str(), 1);
  tests::PostgresServer server;
  server.stop();
  server.start({"fsync=on", "full_page_writes=on", "autovacuum=on", "shared_buffers=128MB", "wal_level=replica"});
  Report report("store", "ec-p256");
  std::vector<double> registrations, renewals, cpu;
  for (int round = 1; round <= kRounds; ++round) {
    const auto number = std::to_string(round);
    const auto own = folder.path() / number;
    std::filesystem::create_directories(own);
    const auto sqlite = measure((own / "registry.db").string(), own / "keys", csrs);
    make_schema(server, "round" + number);
    const double server_before = cpu_with_children(server.pid());
    const auto postgres =
        measure(server.url("postgres", "&options=-csearch_path%3Dround" + number), own / "other-keys", csrs);
    // Its sessions have ended with the registry, and are counted when the server has heard of their end.
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const double server_us =
        1e6 * (cpu_with_children(server.pid()) - server_before) / static_cast<double>(2 * csrs.size());
    cpu.push_back(sqlite.cpu_us / (postgres.cpu_us + server_us));
    registrations.push_back(postgres.registrations / sqlite.registrations);
    renewals.push_back(postgres.renewals / sqlite.renewals);
    report.row({{"round", number},
                {"registrations/s, SQLite", sqlite.registrations},
                {"PostgreSQL", postgres.registrations},
                {"renewals/s, SQLite", sqlite.renewals},
                {"PostgreSQL ", postgres.renewals},
                {"CPU us, SQLite", sqlite.cpu_us},
                {"hub on PostgreSQL", postgres.cpu_us},
                {"server", server_us}});
  }
  report.check("registrations with issuance on PostgreSQL, of SQLite", median(registrations), "ratio", Goal::kAtLeast,
               0.6);
  report.check("renewals on PostgreSQL, of SQLite", median(renewals), "ratio", Goal::kAtLeast, 0.6);
  report.check("issuances per CPU second of hub and server, of SQLite's", median(cpu), "ratio");
  return report.finish() ? 0 : 1;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  try {
    return latchkey::bench::bench(argc > 1 ? std::stoul(argv[1]) : 5000);
  } catch (const std::exception& error) {
    std::cerr << "bench_store: " << error.what() << std::endl;
    return 1;
  }
}
