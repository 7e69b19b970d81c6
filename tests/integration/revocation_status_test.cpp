// SPDX-License-Identifier: Apache-2.0
// Relying parties that nobody taught anything about this hub: `openssl ocsp`, `openssl verify` and a stock Mosquitto go
// by the addresses in 1,000 certificates in every state, and have to come to the registry's verdict. Some of them name
// their CA's whole list, some one of three shards of it, and some one of eight, as if that option had been changed
// twice.
//
// A list can only name what was revoked while its CA could sign. So two states look good to whoever goes by lists, and
// nobody can change that: a certificate that the CA's key signed behind the registry's back, and a device that was
// revoked after its policy was deleted. OCSP tells both.
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <future>
#include <map>
#include <set>
#include <sstream>

#include "platform/openssl/openssl_ptr.h"
#include "tests/integration/revocation_world.h"
#include "tests/support/raw_client.h"

namespace latchkey::tests {
namespace {

using registry::RevocationReason;
using registry::Standing;

enum class State {
  kGood,
  kRevoked,           // its device was
  kOlderIdentity,     // its device was revoked and came back with another certificate
  kRevokedWithItsCa,  // its policy was revoked
  kExpired,
  kPolicyDeleted,  // good: deleting a policy revokes nothing
  kRevokedBefore,  // ... its policy was deleted
  kRevokedAfter,   // ... its policy was deleted
  kNeverIssued,
};
const char* name_of(State state) {
  static constexpr const char* kNames[] = {"good",
                                           "revoked",
                                           "older identity",
                                           "revoked with its CA",
                                           "expired",
                                           "policy deleted",
                                           "revoked before policy deleted",
                                           "revoked after policy deleted",
                                           "never issued"};
  return kNames[static_cast<int>(state)];
}

struct Case {
  Held held;
  State state;
};

UnixMs real_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// A tool in the world's folder; its output and what it complained of.
Finished in_folder(const RevocationWorld& world, const std::string& command) {
  return run({"/bin/sh", "-c", "cd '" + world.folder().string() + "' && " + command}, 60'000);
}

// Fetches `url` into a file with a client that is not ours; false unless the answer is 200.
bool fetch(const RevocationWorld& world, const std::string& url, const std::string& file) {
  const auto fetched = in_folder(world, LATCHKEY_PYTHON
                                            " -c 'import sys, urllib.request as r; "
                                            "open(sys.argv[2], \"wb\").write(r.urlopen(sys.argv[1]).read())' '" +
                                            url + "' '" + file + "'");
  return fetched.exit_status == 0;
}

// The first address in the certificate's CRL distribution points.
std::string list_address(const registry::Bytes& der) {
  const std::uint8_t* end = der.data();
  const openssl::X509Ptr certificate(d2i_X509(nullptr, &end, static_cast<long>(der.size())));
  using Points = openssl::Owner<CRL_DIST_POINTS, CRL_DIST_POINTS_free>;
  const Points points(static_cast<CRL_DIST_POINTS*>(
      X509_get_ext_d2i(certificate.get(), NID_crl_distribution_points, nullptr, nullptr)));
  if (!points || sk_DIST_POINT_num(points.get()) < 1) return {};
  const GENERAL_NAME* name = sk_GENERAL_NAME_value(sk_DIST_POINT_value(points.get(), 0)->distpoint->name.fullname, 0);
  const ASN1_IA5STRING* address = name->d.uniformResourceIdentifier;
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(address)),
          static_cast<std::size_t>(ASN1_STRING_length(address))};
}

class RevocationStatus : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const UnixMs now = real_now();
    world_ = std::make_unique<RevocationWorld>(now - 60 * RevocationWorld::kDay);
    for (const char* policy : {"live", "doomed", "gone"}) world_->make_policy(policy);
    add(State::kExpired, world_->issue("live", "expired", 150));
    world_->move_to(now - RevocationWorld::kDay);
    world_->split(3);
    add(State::kGood, world_->issue("live", "good", 250));
    auto revoked = add(State::kRevoked, world_->issue("live", "revoked", 100));
    world_->split(8);
    const auto more = add(State::kRevoked, world_->issue("live", "revoked-too", 100));
    revoked.insert(revoked.end(), more.begin(), more.end());
    const auto before = add(State::kOlderIdentity, world_->issue("live", "back", 75));
    add(State::kRevokedWithItsCa, world_->issue("doomed", "doomed", 100));
    add(State::kPolicyDeleted, world_->issue("gone", "orphan", 60));
    const auto early = add(State::kRevokedBefore, world_->issue("gone", "early", 20));
    const auto late = add(State::kRevokedAfter, world_->issue("gone", "late", 20));
    add(State::kNeverIssued, world_->sign_unrecorded("live", "never", 50));
    world_->move_to(now);
    const auto half = static_cast<std::ptrdiff_t>(revoked.size() / 2);
    world_->revoke({revoked.begin(), revoked.begin() + half});
    world_->revoke({revoked.begin() + half, revoked.end()}, RevocationReason::kKeyCompromise);
    world_->revoke(before);
    add(State::kGood, world_->issue("live", "back", 75));
    world_->revoke(early);
    world_->revoke_policy("doomed");
    world_->delete_policy("gone");
    world_->revoke(late);
    world_->publish();
  }
  static void TearDownTestSuite() {
    world_.reset();
    cases_.clear();
  }

  static std::vector<Held> add(State state, std::vector<Held> held) {
    for (const auto& one : held) cases_.push_back({one, state});
    return held;
  }
  static RevocationWorld& world() { return *world_; }

  // Is it to be accepted, as the registry sees it now?
  static bool acceptable(const Held& held) {
    return world().standing(held).standing == Standing::kGood && held.not_after > real_now();
  }
  // The same by somebody who knows lists only (see the top).
  static bool acceptable_by_lists(const Case& one) {
    return acceptable(one.held) || one.state == State::kNeverIssued || one.state == State::kRevokedAfter;
  }
  static std::map<Uuid, std::vector<const Case*>> by_ca() {
    std::map<Uuid, std::vector<const Case*>> sorted;
    for (const auto& one : cases_) sorted[one.held.ca].push_back(&one);
    return sorted;
  }
  static void write_lists(const std::set<std::string>& addresses, const std::string& file);
  // `openssl verify -crl_check_all` of all certificates with the lists from there.
  static void expect_verify_agrees(const std::set<std::string>& addresses);
  static void write_issuers(const std::string& file) {
    std::ofstream all(world().folder() / file);
    for (const auto& [ca, cases] : by_ca()) all << read_text(world().folder() / world().ca_file(ca));
  }

  static std::unique_ptr<RevocationWorld> world_;
  static std::vector<Case> cases_;
};
std::unique_ptr<RevocationWorld> RevocationStatus::world_;
std::vector<Case> RevocationStatus::cases_;

// What `openssl ocsp` prints of one certificate.
struct Told {
  std::string status;
  std::string reason;
  std::string revoked_at;
};

std::map<std::string, Told> told_by_openssl(const std::string& printed) {
  std::map<std::string, Told> told;
  std::istringstream lines(printed);
  std::string file;
  for (std::string line; std::getline(lines, line);) {
    const auto after = [&line](const std::string& label) {
      return line.rfind(label, 0) == 0 ? line.substr(label.size()) : std::string();
    };
    if (line.rfind("\t", 0) != 0 && line.find(".pem: ") != std::string::npos) {
      file = line.substr(0, line.find(": "));
      told[file].status = line.substr(line.find(": ") + 2);
    }
    if (const auto reason = after("\tReason: "); !reason.empty()) told[file].reason = reason;
    if (const auto at = after("\tRevocation Time: "); !at.empty()) told[file].revoked_at = at;
  }
  return told;
}

std::string openssl_time(UnixMs at) {  // "Nov 21 14:30:00 2026 GMT"
  const std::time_t seconds = at / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::strftime(text, sizeof text, "%b %e %H:%M:%S %Y GMT", &parts);
  return text;
}

std::string expected_status(Standing standing) {
  if (standing == Standing::kGood) return "good";
  return standing == Standing::kRevoked ? "revoked" : "unknown";
}

TEST_F(RevocationStatus, openssl_ocsp_agrees_with_the_registry_on_a_thousand_certificates) {
  ASSERT_EQ(cases_.size(), 1000u);
  constexpr std::size_t kPerCall = 100;
  std::map<std::string, Told> told;
  int calls = 0;
  for (const auto& [ca, cases] : by_ca()) {
    for (std::size_t from = 0; from < cases.size(); from += kPerCall) {
      const std::string hash = calls % 2 == 0 ? "" : " -sha256";
      const std::string nonce = calls++ % 3 == 0 ? " -no_nonce" : " -nonce";
      std::string command = LATCHKEY_OPENSSL " ocsp -url " + world().url() + "/ocsp -CAfile " +
                            world().ca_file(world().root().id) + " -issuer " + world().ca_file(ca) + nonce;
      for (std::size_t i = from; i < std::min(cases.size(), from + kPerCall); ++i) {
        command += hash + " -cert " + cases[i]->held.file;
      }
      const auto answered = in_folder(world(), command);
      ASSERT_EQ(answered.exit_status, 0) << answered.err;
      ASSERT_NE(answered.err.find("Response verify OK"), std::string::npos) << answered.err;
      ASSERT_EQ(answered.err.find("WARNING"), std::string::npos) << answered.err;
      told.merge(told_by_openssl(answered.out));
    }
  }
  ASSERT_EQ(told.size(), cases_.size());
  std::map<State, std::set<std::string>> seen;
  for (const auto& one : cases_) {
    const auto standing = world().standing(one.held);
    const auto& answer = told[one.held.file];
    EXPECT_EQ(answer.status, expected_status(standing.standing)) << one.held.device << ", " << name_of(one.state);
    const bool reasoned = standing.reason != RevocationReason::kUnspecified;
    EXPECT_EQ(answer.reason, reasoned ? registry::to_string(standing.reason) : "") << one.held.device;
    EXPECT_EQ(answer.revoked_at, standing.standing == Standing::kRevoked ? openssl_time(standing.revoked_at) : "")
        << one.held.device;
    seen[one.state].insert(answer.status);
  }
  // The registry's word is not the only yardstick.
  const std::map<State, std::set<std::string>> wanted{{State::kGood, {"good"}},
                                                      {State::kRevoked, {"revoked"}},
                                                      {State::kOlderIdentity, {"revoked"}},
                                                      {State::kExpired, {"good"}},
                                                      {State::kRevokedWithItsCa, {"revoked"}},
                                                      {State::kPolicyDeleted, {"good"}},
                                                      {State::kRevokedBefore, {"revoked"}},
                                                      {State::kRevokedAfter, {"revoked"}},
                                                      {State::kNeverIssued, {"unknown"}}};
  EXPECT_EQ(seen, wanted);
}

TEST_F(RevocationStatus, openssl_ocsp_hears_of_the_issuing_cas_from_the_root) {
  std::string command = LATCHKEY_OPENSSL " ocsp -url " + world().url() + "/ocsp -CAfile " +
                        world().ca_file(world().root().id) + " -issuer " + world().ca_file(world().root().id);
  for (const auto& [ca, cases] : by_ca()) command += " -cert " + world().ca_file(ca);
  const auto answered = in_folder(world(), command);
  ASSERT_EQ(answered.exit_status, 0) << answered.err;
  EXPECT_NE(answered.err.find("Response verify OK"), std::string::npos) << answered.err;
  auto told = told_by_openssl(answered.out);
  for (const auto& [ca, cases] : by_ca()) {
    const bool doomed = cases.front()->state == State::kRevokedWithItsCa;
    EXPECT_EQ(told[world().ca_file(ca)].status, doomed ? "revoked" : "good");
    EXPECT_EQ(told[world().ca_file(ca)].reason, doomed ? "superseded" : "");
  }
}

// What `openssl verify` says of each file: "OK", or the first error as "23 at 1".
std::map<std::string, std::string> verified_by_openssl(const Finished& finished) {
  std::map<std::string, std::string> verdicts;
  std::istringstream good(finished.out);
  for (std::string line; std::getline(good, line);) {
    if (const auto at = line.find(": OK"); at != std::string::npos) verdicts[line.substr(0, at)] = "OK";
  }
  std::istringstream bad(finished.err);
  std::string first;
  for (std::string line; std::getline(bad, line);) {
    int error = 0;
    int depth = 0;
    char file[64];
    if (std::sscanf(line.c_str(), "error %d at %d depth lookup", &error, &depth) == 2) {
      if (first.empty()) first = std::to_string(error) + " at " + std::to_string(depth);
    } else if (std::sscanf(line.c_str(), "error %63[^:]: verification failed", file) == 1) {
      verdicts[file] = first;
      first.clear();
    }
  }
  return verdicts;
}

std::string expected_verdict(const Case& one) {
  switch (one.state) {
    case State::kRevoked:
    case State::kOlderIdentity:
    case State::kRevokedBefore: return "23 at 0";  // X509_V_ERR_CERT_REVOKED: the leaf
    case State::kRevokedWithItsCa: return "23 at 1";
    case State::kExpired: return "10 at 0";  // X509_V_ERR_CERT_HAS_EXPIRED
    default: return "OK";
  }
}

TEST_F(RevocationStatus, openssl_verify_with_the_lists_that_certificates_name_agrees_with_the_registry) {
  std::set<std::string> addresses;
  for (const auto& one : cases_) addresses.insert(list_address(one.held.der));
  for (const auto& [ca, cases] : by_ca()) addresses.insert(list_address(world().ca(ca).der));
  for (const char* split : {"/3/", "/8/"}) {
    EXPECT_TRUE(std::any_of(addresses.begin(), addresses.end(), [split](const auto& address) {
      return address.find(split) != std::string::npos;
    })) << split;
  }
  expect_verify_agrees(addresses);
}

TEST_F(RevocationStatus, openssl_verify_with_whole_lists_agrees_whatever_shards_certificates_name) {
  std::set<std::string> addresses;
  for (const auto& [ca, cases] : by_ca()) {
    addresses.insert(world().url() + "/crl/" + std::string(view(to_text(ca))) + ".crl");
    addresses.insert(list_address(world().ca(ca).der));
  }
  ASSERT_EQ(addresses.size(), 4u) << "three issuing CAs' lists and the root's";
  expect_verify_agrees(addresses);
}

// A shard that a certificate does not name says nothing of it, although its own issuer signed that list.
TEST_F(RevocationStatus, openssl_verify_takes_no_other_shard_for_the_one_that_a_certificate_names) {
  const auto found = std::find_if(cases_.begin(), cases_.end(), [](const Case& one) {
    return one.state == State::kGood && list_address(one.held.der).find("/3/") != std::string::npos;
  });
  ASSERT_NE(found, cases_.end());
  const auto named = list_address(found->held.der);
  for (const char* other : {"/3/0.crl", "/3/1.crl", "/3/2.crl"}) {
    auto address = named;
    address.replace(address.find("/3/"), std::string::npos, other);
    write_lists({address}, "one.pem");
    const auto verdict = verified_by_openssl(in_folder(
        world(), LATCHKEY_OPENSSL " verify -crl_check -CAfile " + world().ca_file(world().root().id) + " -untrusted " +
                     world().ca_file(found->held.ca) + " -CRLfile one.pem " + found->held.file))[found->held.file];
    // Otherwise X509_V_ERR_DIFFERENT_CRL_SCOPE, or no list at all.
    EXPECT_EQ(verdict == "OK", address == named) << address << ": " << verdict;
  }
}

void RevocationStatus::write_lists(const std::set<std::string>& addresses, const std::string& file) {
  std::string lists;
  for (const auto& address : addresses) {
    const auto der = "list" + std::to_string(lists.size());
    ASSERT_TRUE(fetch(world(), address, der)) << address;
    const auto pem = in_folder(world(), LATCHKEY_OPENSSL " crl -inform DER -in " + der);
    ASSERT_EQ(pem.exit_status, 0) << pem.err;
    lists += pem.out;
  }
  std::ofstream(world().folder() / file) << lists;
}

void RevocationStatus::expect_verify_agrees(const std::set<std::string>& addresses) {
  write_issuers("issuers.pem");
  write_lists(addresses, "lists.pem");
  std::string command = LATCHKEY_OPENSSL " verify -crl_check_all -CAfile " + world().ca_file(world().root().id) +
                        " -untrusted issuers.pem -CRLfile lists.pem";
  for (const auto& one : cases_) command += " " + one.held.file;
  const auto verdicts = verified_by_openssl(in_folder(world(), command));
  ASSERT_EQ(verdicts.size(), cases_.size());
  for (const auto& one : cases_) {
    EXPECT_EQ(verdicts.at(one.held.file), expected_verdict(one)) << one.held.device << ", " << name_of(one.state);
    EXPECT_EQ(verdicts.at(one.held.file) == "OK", acceptable_by_lists(one)) << one.held.device;
  }
}

TEST_F(RevocationStatus, lists_tell_the_reasons_too) {
  const auto doomed =
      std::find_if(cases_.begin(), cases_.end(), [](const Case& one) { return one.state == State::kRevokedWithItsCa; });
  ASSERT_TRUE(fetch(world(), list_address(world().ca(doomed->held.ca).der), "root.crl"));
  const auto root = in_folder(world(), LATCHKEY_OPENSSL " crl -inform DER -in root.crl -noout -text");
  EXPECT_NE(root.out.find("Superseded"), std::string::npos) << root.out;
  ASSERT_TRUE(fetch(world(), list_address(cases_.front().held.der), "live.crl"));
  const auto live = in_folder(world(), LATCHKEY_OPENSSL " crl -inform DER -in live.crl -noout -text");
  std::size_t compromised = 0;
  for (auto at = live.out.find("Key Compromise"); at != std::string::npos;
       at = live.out.find("Key Compromise", at + 1)) {
    ++compromised;
  }
  EXPECT_EQ(compromised, 100u);
}

// --- a broker that has never heard of us

struct ServerFiles {
  std::string certificate, key;
};
ServerFiles make_server_certificate(const RevocationWorld& world) {
  const auto made = in_folder(world, LATCHKEY_OPENSSL
                              " req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=broker "
                              "-addext subjectAltName=IP:127.0.0.1 -keyout server.key -out server.pem && "
                              "chmod 644 server.key");
  EXPECT_EQ(made.exit_status, 0) << made.err;
  return {(world.folder() / "server.pem").string(), (world.folder() / "server.key").string()};
}

int free_port() {
  const auto taken = hub::http::Server::listen_tcp("127.0.0.1", 0, {}, {});
  return taken ? (*taken)->port() : 0;
}

// Everybody with a good client certificate below our root may connect: the broker looks at nothing else.
class Broker {
 public:
  Broker(const RevocationWorld& world, const std::string& lists)
      : port_(free_port()), files_(make_server_certificate(world)) {
    const auto config = world.folder() / "broker.conf";
    std::ofstream(config) << "listener " << port_ << " 127.0.0.1\ncertfile " << files_.certificate << "\nkeyfile "
                          << files_.key << "\ncafile " << (world.folder() / "broker-ca.pem").string() << "\ncrlfile "
                          << (world.folder() / lists).string() << "\nrequire_certificate true\nallow_anonymous true\n";
    process_ = std::make_unique<Subprocess>(std::vector<std::string>{LATCHKEY_MOSQUITTO, "-c", config.string()},
                                            world.folder() / "broker.log");
  }
  DeviceClient::Options options(const RevocationWorld& world, const Held& held) const {
    DeviceClient::Options options;
    options.host = "127.0.0.1";
    options.port = port_;
    options.ca_file = files_.certificate;
    options.client_id = held.device;
    options.identity = Identity{world.device_key(), {}, {}};
    return options;
  }

 private:
  int port_;
  ServerFiles files_;
  std::unique_ptr<Subprocess> process_;
};

Certificate certificate_of(const registry::Bytes& der) {
  const std::uint8_t* end = der.data();
  return {d2i_X509(nullptr, &end, static_cast<long>(der.size())), X509_free};
}

ConnectResult connect(RevocationWorld& world, const Broker& broker, const Held& held) {
  auto options = broker.options(world, held);
  options.identity->chain = {certificate_of(held.der), certificate_of(world.ca(held.ca).der),
                             certificate_of(world.root().der)};
  RawClient client(options);
  if (!client.open()) return {Seen::kTlsFailed, -1, false};
  ConnectFields fields;
  fields.client_id = held.device;
  return client.connect(connect_packet(fields));
}

TEST_F(RevocationStatus, stock_mosquitto_with_our_lists_agrees_with_the_registry) {
  ASSERT_TRUE(fetch(world(), world().url() + "/crl/all.pem", "all.pem"));
  std::filesystem::copy_file(world().folder() / world().ca_file(world().root().id), world().folder() / "broker-ca.pem",
                             std::filesystem::copy_options::overwrite_existing);
  const Broker broker(world(), "all.pem");
  const auto good =
      std::find_if(cases_.begin(), cases_.end(), [](const Case& one) { return one.state == State::kGood; });
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (connect(world(), broker, good->held).seen != Seen::kAccepted) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << read_text(world().folder() / "broker.log");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  std::vector<std::future<std::vector<std::string>>> running;
  constexpr std::size_t kClients = 4;
  for (std::size_t first = 0; first < kClients; ++first) {
    running.push_back(std::async(std::launch::async, [&broker, first] {
      std::vector<std::string> wrong;
      for (std::size_t i = first; i < cases_.size(); i += kClients) {
        const auto& one = cases_[i];
        const auto seen = connect(world(), broker, one.held);
        const bool accepted = seen.seen == Seen::kAccepted;
        const bool timed_out = seen.seen == Seen::kTimeout;
        if (accepted != acceptable_by_lists(one) || timed_out) {
          wrong.push_back(one.held.device + " (" + name_of(one.state) + "): " + seen.text());
        }
      }
      return wrong;
    }));
  }
  for (auto& one : running) {
    for (const auto& text : one.get()) ADD_FAILURE() << text;
  }
}

TEST_F(RevocationStatus, ocsp_tells_a_revocation_in_its_next_answer_whatever_was_kept) {
  const auto held = world().issue("live", "fresh", 5);
  const auto asked = [&](const Held& one) {
    const auto answered = in_folder(world(), LATCHKEY_OPENSSL " ocsp -no_nonce -url " + world().url() +
                                                 "/ocsp -CAfile " + world().ca_file(world().root().id) + " -issuer " +
                                                 world().ca_file(one.ca) + " -cert " + one.file);
    return told_by_openssl(answered.out)[one.file].status;
  };
  for (const auto& one : held) ASSERT_EQ(asked(one), "good") << "and kept";
  world().revoke(held);
  for (const auto& one : held) EXPECT_EQ(asked(one), "revoked");
}

TEST_F(RevocationStatus, ca_certificate_is_served_where_certificates_say) {
  const auto& held = cases_.front().held;
  const auto shown = in_folder(world(), LATCHKEY_OPENSSL " x509 -noout -ext authorityInfoAccess -in " + held.file);
  const auto at = shown.out.find("CA Issuers - URI:");
  ASSERT_NE(at, std::string::npos) << shown.out;
  const auto address = shown.out.substr(at + std::strlen("CA Issuers - URI:"));
  ASSERT_TRUE(fetch(world(), address.substr(0, address.find('\n')), "issuer.cer"));
  const auto text = read_text(world().folder() / "issuer.cer");
  EXPECT_EQ(registry::Bytes(text.begin(), text.end()), world().ca(held.ca).der);
}

}  // namespace
}  // namespace latchkey::tests
