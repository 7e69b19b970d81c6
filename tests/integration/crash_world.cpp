// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/crash_world.h"

#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

long elapsed_us(Clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - since).count();
}

std::set<std::string> lines(const std::string& text) {
  std::set<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) all.insert(line);
  }
  return all;
}

std::set<std::string> plain_lines(const std::string& text) {
  std::set<std::string> plain;
  for (const auto& line : lines(text)) plain.insert(plain_hex(line));
  return plain;
}

std::shared_ptr<X509_CRL> read_crl(const std::string& der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  return {d2i_X509_CRL(nullptr, &data, static_cast<long>(der.size())), X509_CRL_free};
}

Certificate read_certificate(const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                     BIO_free);
  return {PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr), X509_free};
}

std::string hex_of(const ASN1_INTEGER* number) {
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> value(ASN1_INTEGER_to_BN(number, nullptr), BN_free);
  const std::unique_ptr<char, void (*)(char*)> text(BN_bn2hex(value.get()), [](char* p) { OPENSSL_free(p); });
  return plain_hex(text.get());
}

std::set<std::string> serials_on(X509_CRL* crl) {
  std::set<std::string> serials;
  auto* const revoked = X509_CRL_get_REVOKED(crl);
  for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
    serials.insert(hex_of(X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(revoked, i))));
  }
  return serials;
}

std::string without_dashes(std::string uuid) {
  uuid.erase(std::remove(uuid.begin(), uuid.end(), '-'), uuid.end());
  return uuid;
}

}  // namespace

void CrashWorld::SetUp() {
  hub_.start();
  pids_ = broker_pids();
  ASSERT_GT(std::min(pids_.first, pids_.second), 1);
  bystander_ = hub_.provision("bystander");
  prober_ = std::make_unique<CrashProber>(hub_, "bystander", bystander_);
}

void CrashWorld::TearDown() {
  if (prober_) prober_->wait_round();
  expect_no_faults();
  if (prober_) {
    EXPECT_GT(prober_->attempts(), 0U);
  }
  prober_.reset();
  if (hub_.running()) hub_.stop();
}

CrashWorld::Pids CrashWorld::broker_pids() {
  Pids pids{-1, -1};
  const auto status = hub_.json({"status"});
  for (const auto& gate : status.at("gates")) {
    (gate.at("endpoint") == "dps" ? pids.first : pids.second) = gate.at("brokerPid");
  }
  return pids;
}

bool CrashWorld::act_and_kill(const std::function<bool()>& act, std::optional<long> delay_us, std::atomic<bool>* gone) {
  std::promise<void> begun;
  auto acknowledged = std::async(std::launch::async, [&] {
    begun.set_value();
    return act();
  });
  begun.get_future().wait();
  if (delay_us) {
    std::this_thread::sleep_for(std::chrono::microseconds(*delay_us));  // the moment is what is varied here
  } else {
    acknowledged.wait();
  }
  hub_.kill();
  if (gone != nullptr) *gone = true;
  return acknowledged.get();
}

long CrashWorld::measure(const std::function<void(int)>& act) {
  std::vector<long> taken;
  for (int i = 0; i < kMeasurements; ++i) {
    const auto begin = Clock::now();
    act(i);
    taken.push_back(elapsed_us(begin));
  }
  std::sort(taken.begin(), taken.end());
  return taken[kMeasurements / 2];
}

void CrashWorld::restart_and_check() {
  EXPECT_TRUE(signal_process(pids_.first, 0)) << "the DPS broker died with the hub process";
  EXPECT_TRUE(signal_process(pids_.second, 0)) << "the hub broker died with the hub process";
  ASSERT_EQ(sql("PRAGMA integrity_check"), "ok\n");
  hub_.start();
  EXPECT_EQ(broker_pids(), pids_) << "the brokers were not adopted";
  EXPECT_EQ(sql("PRAGMA integrity_check"), "ok\n");
  EXPECT_EQ(sql("PRAGMA foreign_key_check"), "");
  check_keys();
  check_lists();
}

void CrashWorld::check_keys() {
  std::set<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(hub_.data() / "keys")) {
    files.insert(entry.path().filename().string());
  }
  EXPECT_EQ(files, lines(sql("SELECT key_ref FROM cas WHERE key_ref <> ''")));
}

// Every CA has a list; it is its own, and holds exactly what the registry holds revoked.
void CrashWorld::check_lists() {
  for (const auto& ca : rows(hub_.json({"ca", "list"}))) {
    const auto subject = ca.at("subject").get<std::string>();
    EXPECT_FALSE(ca.at("crlDue").get<bool>()) << subject;
    const auto crl = read_crl(read_text(ca.at("crlFile").get<std::string>()));
    ASSERT_TRUE(crl) << subject;
    const auto certificate = read_certificate(ca.at("certificate").get<std::string>());
    EXPECT_EQ(X509_CRL_verify(crl.get(), X509_get0_pubkey(certificate.get())), 1) << subject;
    const std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)> number(
        static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(crl.get(), NID_crl_number, nullptr, nullptr)),
        ASN1_INTEGER_free);
    ASSERT_TRUE(number) << subject;
    EXPECT_EQ(ASN1_INTEGER_get(number.get()), ca.at("crlNumber").get<long>()) << subject;
    const auto id = without_dashes(ca.at("name"));
    const auto wanted =
        ca.at("kind") == "root"
            ? sql("SELECT hex(serial) FROM cas WHERE issuer = x'" + id + "' AND id <> issuer AND status = 2")
            : sql("SELECT hex(serial) FROM certificates WHERE ca = x'" + id + "' AND status = 3");
    EXPECT_EQ(serials_on(crl.get()), plain_lines(wanted)) << subject;
  }
}

std::string CrashWorld::sql(const std::string& statement) {
  const auto finished =
      run({LATCHKEY_SQLITE, "-bail", "-cmd", ".timeout 5000", (hub_.data() / "registry.db").string(), statement});
  if (finished.exit_status != 0) throw std::runtime_error("sqlite3: " + statement + ": " + finished.err);
  return finished.out;
}

Seen CrashWorld::seen(const std::string& id, const Identity& identity) {
  DeviceClient client(hub_.hub_options(id, identity));
  return client.connect().seen;
}

void CrashWorld::expect_no_faults() {
  if (!prober_) return;
  for (const auto& fault : prober_->faults()) ADD_FAILURE() << fault;
}

}  // namespace latchkey::tests
