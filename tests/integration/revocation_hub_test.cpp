// SPDX-License-Identifier: Apache-2.0
// What `latchkey up` writes into certificates leads somewhere: lists, CA certificates and OCSP of a whole hub, read by
// `openssl` and a stock HTTP client at the addresses that a device's own certificate names.
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/support/subprocess.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

Finished shell(const Hub& hub, const std::string& command) {
  return run({"/bin/sh", "-c", "cd '" + hub.work().string() + "' && " + command});
}

// The rest of the line behind `label`; empty when there is none.
std::string behind(const std::string& text, const std::string& label) {
  const auto at = text.find(label);
  if (at == std::string::npos) return {};
  const auto from = at + label.size();
  return text.substr(from, text.find('\n', from) - from);
}

class RevocationHub : public HubTest<RevocationHub> {
 protected:
  // Leaf, issuing CA and root of `identity` as files NAME.pem, NAME-ca.pem and NAME-root.pem.
  static void write(const std::string& name, const Identity& identity) {
    const char* suffixes[] = {".pem", "-ca.pem", "-root.pem"};
    for (std::size_t i = 0; i < identity.chain.size() && i < 3; ++i) {
      std::ofstream(hub().work() / (name + suffixes[i])) << certificate_pem(identity.chain[i]);
    }
  }
  static std::string extensions(const std::string& file) {
    return shell(hub(), LATCHKEY_OPENSSL " x509 -noout -ext crlDistributionPoints,authorityInfoAccess -in " + file).out;
  }
  // What OCSP says at the address in NAME.pem.
  static std::string asked(const std::string& name) {
    const auto address = behind(extensions(name + ".pem"), "OCSP - URI:");
    const auto answered = shell(hub(), LATCHKEY_OPENSSL " ocsp -url " + address + " -CAfile " + name +
                                           "-root.pem -issuer " + name + "-ca.pem -cert " + name + ".pem");
    if (answered.err.find("Response verify OK") == std::string::npos) return answered.out + answered.err;
    return behind(answered.out, name + ".pem: ");
  }
  static bool fetch(const std::string& address, const std::string& file) {
    return shell(hub(), LATCHKEY_PYTHON
                            " -c 'import sys, urllib.request as r; "
                            "open(sys.argv[2], \"wb\").write(r.urlopen(sys.argv[1]).read())' '" +
                            address + "' " + file)
               .exit_status == 0;
  }
  static json endpoints() { return json::parse(read_text(hub().data() / "endpoints.json")); }
};

TEST_F(RevocationHub, leaf_and_issuing_ca_name_addresses_that_answer) {
  Cohort cohort(hub(), "status-names");
  write("names", cohort.provision(cohort.device("a")));
  for (const char* file : {"names.pem", "names-ca.pem"}) {
    const auto text = extensions(file);
    EXPECT_TRUE(fetch(behind(text, "CA Issuers - URI:"), "issuer.cer")) << text;
    // A new CA's first list is signed a moment after the CA.
    const auto list = behind(text.substr(text.find("CRL Distribution Points")), "URI:");
    EXPECT_TRUE(eventually([&] { return fetch(list, "list.crl"); })) << text;
    EXPECT_NE(behind(text, "OCSP - URI:"), "") << text;
    EXPECT_EQ(list.rfind(endpoints().at("statusUrl").get<std::string>() + "/crl/", 0), 0u) << list;
  }
  EXPECT_EQ(extensions("names-root.pem"), "") << "nobody could revoke a root";
}

TEST_F(RevocationHub, ocsp_says_revoked_as_soon_as_the_revocation_is_acknowledged) {
  Cohort cohort(hub(), "status-revoke");
  const auto device = cohort.device("a");
  write("revoke", cohort.provision(device));
  EXPECT_EQ(asked("revoke"), "good");
  operate(hub(), {"device", "revoke", "-n", device, "-y"});
  EXPECT_EQ(asked("revoke"), "revoked");
  write("again", cohort.provision(device));
  EXPECT_EQ(asked("again"), "good");
}

TEST_F(RevocationHub, device_of_a_deleted_policy_is_good_until_it_is_revoked_also_after_a_restart) {
  Cohort cohort(hub(), "status-deleted");
  const auto device = cohort.device("a");
  write("deleted", cohort.provision(device));
  cohort.delete_policy();
  const auto last = [&] {
    const auto list = behind(extensions("deleted.pem"), "URI:");
    if (!fetch(list, "last.crl")) return std::string();
    return behind(shell(hub(), LATCHKEY_OPENSSL " crl -inform DER -noout -nextupdate -in last.crl").out, "nextUpdate=");
  };
  const auto end = behind(shell(hub(), LATCHKEY_OPENSSL " x509 -noout -enddate -in deleted-ca.pem").out, "notAfter=");
  EXPECT_TRUE(eventually([&] { return last() == end; })) << "its last list lasts as long as the CA: " << last();
  EXPECT_EQ(asked("deleted"), "good");
  const auto before = endpoints().at("status");
  hub().stop();
  hub().start();
  EXPECT_EQ(endpoints().at("status"), before) << "certificates name the port";
  EXPECT_EQ(asked("deleted"), "good");
  operate(hub(), {"device", "revoke", "-n", device, "-y"});
  EXPECT_EQ(asked("deleted"), "revoked");
}

TEST(RevocationHubOptions, status_can_be_off_and_then_certificates_name_nothing) {
  Hub::Options options;
  options.more = {"--status-listen", "off"};
  Hub hub(options);
  hub.start();
  const auto identity = hub.provision("dev-1");
  std::ofstream(hub.work() / "leaf.pem") << certificate_pem(identity.chain.front());
  const auto shown = shell(hub, LATCHKEY_OPENSSL " x509 -noout -text -in leaf.pem");
  EXPECT_EQ(shown.out.find("URI:"), std::string::npos) << shown.out;
  EXPECT_FALSE(json::parse(read_text(hub.data() / "endpoints.json")).contains("status"));
}

TEST(RevocationHubOptions, certificates_name_the_public_address_that_was_given) {
  Hub::Options options;
  options.more = {"--status-url", "http://pki.example.com/latchkey/"};
  Hub hub(options);
  hub.start();
  const auto identity = hub.provision("dev-1");
  std::ofstream(hub.work() / "leaf.pem") << certificate_pem(identity.chain.front());
  const auto shown = shell(hub, LATCHKEY_OPENSSL " x509 -noout -text -in leaf.pem");
  EXPECT_NE(shown.out.find("URI:http://pki.example.com/latchkey/crl/"), std::string::npos) << shown.out;
  EXPECT_NE(shown.out.find("OCSP - URI:http://pki.example.com/latchkey/ocsp\n"), std::string::npos) << shown.out;
}

// A certificate of eight shards, and a hub that goes on with three.
TEST(RevocationHubOptions, certificate_goes_on_with_its_shard_when_their_number_changes) {
  const TemporaryFolder folder;
  const auto options = [&folder](const std::string& shards) {
    Hub::Options made;
    made.data = folder.path() / "data";
    made.more = {"--crl-shards", shards};
    return made;
  };
  const auto list_of = [](const Hub& hub, const std::string& file) {
    return behind(shell(hub, LATCHKEY_OPENSSL " x509 -noout -ext crlDistributionPoints -in " + file).out, "URI:");
  };
  const auto write = [](const Hub& hub, const std::string& name, const Identity& identity) {
    const char* suffixes[] = {".pem", "-ca.pem", "-root.pem"};
    for (std::size_t i = 0; i < identity.chain.size() && i < 3; ++i) {
      std::ofstream(hub.work() / (name + suffixes[i])) << certificate_pem(identity.chain[i]);
    }
  };
  // What `openssl verify` makes of NAME.pem with the list at `address` alone.
  const auto verified = [](const Hub& hub, const std::string& name, const std::string& address) {
    const auto fetched =
        shell(hub, LATCHKEY_PYTHON
                       " -c 'import sys, urllib.request as r; "
                       "sys.stdout.buffer.write(r.urlopen(sys.argv[1]).read())' '" +
                       address + "' > list.der && " LATCHKEY_OPENSSL " crl -inform DER -in list.der -out list.pem");
    if (fetched.exit_status != 0) return fetched.err;
    const auto verdict = shell(hub, LATCHKEY_OPENSSL " verify -crl_check -CAfile " + name + "-root.pem -untrusted " +
                                        name + "-ca.pem -CRLfile list.pem " + name + ".pem");
    return verdict.exit_status == 0 ? "OK" : verdict.err;
  };
  Identity old;
  std::string address;
  {
    Hub hub(options("8"));
    hub.start();
    old = hub.provision("dev-1");
    write(hub, "old", old);
    address = list_of(hub, "old.pem");
    EXPECT_NE(address.find("/8/"), std::string::npos) << address;
    EXPECT_TRUE(eventually([&] { return verified(hub, "old", address) == "OK"; })) << verified(hub, "old", address);
    hub.stop();
  }
  Hub hub(options("3"));
  hub.start();
  write(hub, "old", old);
  write(hub, "new", hub.provision("dev-2"));
  const auto new_address = list_of(hub, "new.pem");
  EXPECT_NE(new_address.find("/3/"), std::string::npos) << new_address;
  EXPECT_TRUE(eventually([&] { return verified(hub, "new", new_address) == "OK"; }));
  EXPECT_EQ(verified(hub, "old", address), "OK");
  operate(hub, {"device", "revoke", "-n", "dev-1", "-y"});
  EXPECT_TRUE(eventually([&] {
    return verified(hub, "old", address).find("certificate revoked") != std::string::npos;
  })) << verified(hub, "old", address);
  EXPECT_EQ(verified(hub, "new", new_address), "OK");
}

TEST(RevocationHubOptions, number_of_shards_that_cannot_be_is_refused_before_anything_is_made) {
  const TemporaryFolder folder;
  for (const char* shards : {"0", "257", "-1", "x", ""}) {
    const auto refused = run({std::string(LATCHKEY_BIN) + "/latchkey", "--data", (folder.path() / "data").string(),
                              "up", "--crl-shards", shards});
    EXPECT_NE(refused.exit_status, 0) << shards;
    EXPECT_NE(refused.err.find("--crl-shards"), std::string::npos) << refused.err;
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "data"));
  }
}

TEST(RevocationHubOptions, address_that_would_break_a_certificate_is_refused_before_anything_is_made) {
  const TemporaryFolder folder;
  for (const char* url : {"pki.example.com", "ftp://x", "http://a,OCSP;URI:http://b", "http://a b"}) {
    const auto refused = run({std::string(LATCHKEY_BIN) + "/latchkey", "--data", (folder.path() / "data").string(),
                              "up", "--status-url", url});
    EXPECT_NE(refused.exit_status, 0) << url;
    EXPECT_NE(refused.err.find("--status-url"), std::string::npos) << refused.err;
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "data"));
  }
}

}  // namespace
}  // namespace latchkey::tests
