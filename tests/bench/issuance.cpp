// SPDX-License-Identifier: Apache-2.0
// bench_issuance [DEVICES [CSRS]]: from a CSR to a certificate that is durable and recorded, against what OpenSSL alone
// needs to verify the request and to sign.
//
// One issuance is all that the hub does for a renewal: the CSR is read and its signature verified (hub/ca/csr.h), the
// serial is stored (begin_renewal), the leaf is signed, the certificate is recorded (finish_issuance), on a store on
// disk in WAL mode with full sync: two commits, their audit records with them. A registration in its place adds the
// registration's row; a device's first one also the device and its change.
//
// CPU is this process's, all threads. The limit is CPU, too: one verification and one signature, keys parsed and
// contexts made beforehand. By the clock, both run on as many threads as there are cores, one round after the other, so
// that a noisy minute hits both. CSRs have fresh keys, made outside the timed part. cfssl stores nothing; its client is
// on the same cores, and counts only by the clock.
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "hub/ca/file_key_provider.h"
#include "hub/ca/issuance.h"
#include "platform/openssl/pem.h"
#include "tests/bench/issuance_rivals.h"
#include "tests/bench/manage_plant.h"
#include "tests/bench/manage_raw.h"
#include "tests/bench/report.h"

namespace latchkey::bench {
namespace {

using hub::ca::Authority;

constexpr std::uint64_t kSmall = 1000;  // devices in the small registry
constexpr int kRounds = 3;
constexpr std::size_t kAlone = 300;     // CSRs of a run with one in progress, which mostly waits for the disk
constexpr std::size_t kProcesses = 50;  // CSRs for openssl x509
const std::size_t kCores = std::max(1U, std::thread::hardware_concurrency());

// A registry with so many devices, each with its registration and a certificate, and a policy whose CA can sign.
class Ground {
 public:
  Ground(const std::filesystem::path& folder, std::uint64_t devices)
      : plant_((folder / "registry.db").string()),
        keys_(must(hub::ca::FileKeyProvider::open(folder / "keys"))),
        authority_(*keys_, options()) {
    for (std::uint64_t made = 0; made < devices; made += 10'000) {
      plant_.create(std::min<std::uint64_t>(10'000, devices - made));
    }
    plant_.furnish("default");
    const auto root = must(authority_.make_root(registry::KeyProfile::kEcP256, plant_.now()));
    registry::CaCertificate signer;
    signer.id = root.id;
    signer.subject = root.subject;
    signer.not_after = root.not_after;
    signer.der = root.der;
    signer.key_ref = root.key_ref;
    issuing_ = must(authority_.make_issuing(signer, registry::KeyProfile::kEcP256, plant_.now()));
    // The plant's root has no key: for the registry the new CA hangs below it all the same.
    issuing_.issuer = must(plant_.registry().find_credential("default")).ca;
    must(plant_.registry().revoke_policy(plant_.call(), "default", "default", issuing_));
    group_ = must(plant_.registry().find_enrollment("default", true)).uuid;
    issuance_ = std::make_unique<hub::ca::Issuance>(plant_.registry(), authority_);
  }

  enum class Kind { kRenewal, kRegistration };
  void issue(Kind kind, const PreparedCsr& csr) {
    const auto checked = must(authority_.read_csr(csr.base64, csr.device));
    auto& registry = plant_.registry();
    if (kind == Kind::kRenewal) {
      const auto grant = must(registry.begin_renewal(plant_.call(), "default", csr.device, Authority::new_serial()));
      must(issuance_->issue(plant_.call(), grant.value, checked));
    } else {
      const auto grant =
          must(registry.register_device(plant_.call(), {csr.device, group_, true, Authority::new_serial(), ""}));
      must(issuance_->issue(plant_.call(), grant.value.issuance.value(), checked));
    }
  }

  Authority& authority() { return authority_; }
  const registry::NewCa& issuing() const { return issuing_; }
  hub::ca::SigningKey key() { return must(keys_->load(issuing_.key_ref)); }
  registry::CaCertificate ca() { return must(plant_.registry().find_ca(issuing_.id)); }
  UnixMs now() const { return plant_.now(); }

 private:
  static Authority::Options options() {
    Authority::Options options;  // addresses as a hub has them
    options.crl_url = "http://127.0.0.1:8880/crl";
    options.aia_url = "http://127.0.0.1:8880/ca";
    options.ocsp_url = "http://127.0.0.1:8880/ocsp";
    return options;
  }

  Plant plant_;
  std::unique_ptr<hub::ca::FileKeyProvider> keys_;
  Authority authority_;
  std::unique_ptr<hub::ca::Issuance> issuance_;
  registry::NewCa issuing_;
  Uuid group_;
};

struct Run {
  double cpu_us = 0;  // an issuance
  double per_second = 0;
};

Run run(Ground& ground, Ground::Kind kind, const std::vector<PreparedCsr>& csrs, std::size_t count,
        std::size_t in_progress) {
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::string failure;
  const double cpu = own_cpu_seconds();
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < in_progress; ++i) {
    threads.emplace_back([&] {
      try {
        for (std::size_t one = next++; one < count; one = next++) ground.issue(kind, csrs[one]);
      } catch (const std::exception& failed) {
        const std::lock_guard lock(mutex);
        failure = failed.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (!failure.empty()) throw std::runtime_error(failure);
  const auto n = static_cast<double>(count);
  return {1e6 * (own_cpu_seconds() - cpu) / n, 1000 * n / ms_since(began)};
}

struct Series {
  std::vector<double> cpu_us, per_second, of_limit, of_limit_by_clock;

  void add(const Run& run, double limit_us, double limit_per_second) {
    cpu_us.push_back(run.cpu_us);
    per_second.push_back(run.per_second);
    of_limit.push_back(limit_us / run.cpu_us);
    of_limit_by_clock.push_back(run.per_second / limit_per_second);
  }
  void tell(Report& report, const std::string& what) const {
    report.row({{"what", what},
                {"CPU us", median(cpu_us)},
                {"per s", median(per_second)},
                {"of the limit, CPU", median(of_limit)},
                {"of the limit, clock", median(of_limit_by_clock)}});
  }
};

// CPU us of the two parts that are no store, one after the other on this thread.
void measure_parts(Report& report, Ground& ground, const std::vector<PreparedCsr>& csrs) {
  std::vector<hub::ca::Csr> checked;
  double began = thread_cpu_seconds();
  for (const auto& csr : csrs) checked.push_back(must(ground.authority().read_csr(csr.base64, csr.device)));
  const double read = thread_cpu_seconds() - began;
  const auto ca = ground.ca();
  registry::IssuanceGrant grant;
  grant.not_before = ground.now() - 300'000;
  grant.not_after = ground.now() + hub::ca::kDayMs;
  began = thread_cpu_seconds();
  for (std::size_t i = 0; i < csrs.size(); ++i) {
    grant.serial = Authority::new_serial();
    grant.device_id = csrs[i].device;
    must(ground.authority().sign_leaf(ca, grant, checked[i]));
  }
  const double signing = thread_cpu_seconds() - began;
  const auto n = static_cast<double>(csrs.size());
  report.row({{"what", "part: reading and verifying a CSR"}, {"CPU us", 1e6 * read / n}});
  report.row({{"what", "part: making and signing a leaf"}, {"CPU us", 1e6 * signing / n}});
}

CaFiles write_ca(Ground& ground, const std::filesystem::path& folder) {
  const CaFiles files{folder / "ca.pem", folder / "ca.key"};
  const auto* at = ground.issuing().der.data();
  const openssl::X509Ptr certificate(d2i_X509(nullptr, &at, static_cast<long>(ground.issuing().der.size())));
  for (const auto& [path, pem] : {std::pair{files.certificate, openssl::certificate_to_pem(certificate.get())},
                                  std::pair{files.key, openssl::key_to_pem(ground.key().get())}}) {
    std::ofstream out(path);
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    out.write(reinterpret_cast<const char*>(pem.data()), static_cast<std::streamsize>(pem.size()));
  }
  return files;
}

void measure_rivals(Report& report, Ground& ground, const std::vector<PreparedCsr>& csrs,
                    const std::filesystem::path& folder, const Series& ours) {
  const auto ca = write_ca(ground, folder);
  if (!Cfssl::installed()) {
    report.row({{"what", "cfssl serve"}, {"CPU us", std::string("not installed")}});
  } else {
    Cfssl cfssl(ca, folder);
    (void)cfssl.run(csrs, 4);  // warms up, and does not count
    std::vector<double> cpu;
    for (const std::size_t in_progress : {1UL, 4UL, 16UL}) {
      const auto figures = cfssl.run(csrs, in_progress);
      cpu.push_back(figures.cpu_us);
      report.row({{"what", "cfssl serve, nothing stored, in progress: " + std::to_string(in_progress)},
                  {"CPU us", figures.cpu_us},
                  {"per s", figures.per_second}});
    }
    report.check("CPU of cfssl serve, which stores nothing, over ours", median(cpu) / median(ours.cpu_us), "ratio");
  }
  const std::vector<PreparedCsr> some(csrs.begin(),
                                      csrs.begin() + static_cast<long>(std::min(kProcesses, csrs.size())));
  const auto openssl = run_openssl(some, ca, folder);
  report.row({{"what", "openssl x509 -req, a process each"}, {"CPU us", openssl.cpu_us}});
  report.row({{"what", "openssl version: the process alone"}, {"CPU us", openssl.empty_us}});
  report.check("CPU of openssl x509 -req, a process each, over ours", openssl.cpu_us / median(ours.cpu_us), "ratio");
}

std::vector<std::string> device_names(std::size_t count, std::uint64_t among) {
  std::vector<std::string> names;  // spread over all there are
  for (std::size_t i = 0; i < count; ++i) names.push_back(device_name(1 + i * among / count));
  return names;
}

int run_all(std::uint64_t devices, std::size_t csr_count, const std::filesystem::path& folder) {
  Report report("issuance", "ec-p256");
  report.version("openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
  std::filesystem::create_directories(folder / "small");
  std::filesystem::create_directories(folder / "large");
  Ground small(folder / "small", kSmall);
  Ground large(folder / "large", devices);
  std::cerr << "the registries stand\n";
  const auto csrs = prepare_csrs(device_names(csr_count, devices));
  const auto few = prepare_csrs(device_names(std::min<std::size_t>(csr_count, kSmall), kSmall));
  PureCrypto limit(csrs, large.key().get());

  std::map<std::size_t, Series> renewals;
  Series registrations, small_renewals;
  std::vector<double> verify, sign, rate;
  const auto one_round = [&] {
    const auto cost = limit.cost();
    const double limit_us = cost.verify_us + cost.sign_us;
    const double per_second = limit.rate(kCores);
    verify.push_back(cost.verify_us);
    sign.push_back(cost.sign_us);
    rate.push_back(per_second);
    for (const std::size_t in_progress : {1UL, 4UL, 16UL}) {
      const auto count = in_progress == 1 ? std::min(kAlone, csrs.size()) : csrs.size();
      renewals[in_progress].add(run(large, Ground::Kind::kRenewal, csrs, count, in_progress), limit_us, per_second);
    }
    small_renewals.add(run(small, Ground::Kind::kRenewal, few, few.size(), 16), limit_us, per_second);
    registrations.add(run(large, Ground::Kind::kRegistration, csrs, csrs.size(), 16), limit_us, per_second);
  };
  (void)run(large, Ground::Kind::kRenewal, csrs, csrs.size(), 16);  // warms up, and does not count
  for (int round = 0; round < kRounds; ++round) one_round();

  report.row({{"what", "limit: verification"}, {"CPU us", median(verify)}});
  report.row({{"what", "limit: signature"}, {"CPU us", median(sign)}});
  report.row({{"what", "limit: both, on " + std::to_string(kCores) + " threads"},
              {"CPU us", median(verify) + median(sign)},
              {"per s", median(rate)}});
  measure_parts(report, large, csrs);
  const std::string many = std::to_string(devices) + " devices, ";
  for (const auto& [in_progress, series] : renewals) {
    series.tell(report, many + "renewals, in progress: " + std::to_string(in_progress));
  }
  registrations.tell(report, many + "registrations, in progress: 16");
  small_renewals.tell(report, std::to_string(kSmall) + " devices, renewals, in progress: 16");
  measure_rivals(report, large, csrs, folder, renewals[16]);

  report.check("issuances per CPU second, of the limit, 16 in progress", median(renewals[16].of_limit), "ratio",
               Goal::kAtLeast, 0.6);
  report.check("issuances per second on all cores, of the limit, 16 in progress",
               median(renewals[16].of_limit_by_clock), "ratio", Goal::kAtLeast, 0.6);
  report.check("issuances per second on all cores", median(renewals[16].per_second), "per s");
  report.check("registrations per CPU second, of the limit, 16 in progress", median(registrations.of_limit), "ratio");
  report.check("CPU of an issuance at " + std::to_string(devices) + " devices over " + std::to_string(kSmall),
               median(renewals[16].cpu_us) / median(small_renewals.cpu_us), "ratio", Goal::kAtMost, 1.25);
  return report.finish() ? 0 : 1;
}

}  // namespace
}  // namespace latchkey::bench

int main(int argc, char** argv) {
  const std::uint64_t devices = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::size_t csrs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2000;
  if (devices < 1000 || csrs < 1 || csrs > devices) {
    std::cerr << "usage: bench_issuance [DEVICES, from 1000 on [CSRS]]\n";
    return 2;
  }
  const auto folder = std::filesystem::temp_directory_path() / ("latchkey-issuance-" + std::to_string(::getpid()));
  int status = 1;
  try {
    status = latchkey::bench::run_all(devices, csrs, folder);
  } catch (const std::exception& failed) {
    std::cerr << failed.what() << "\n";
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return status;
}
