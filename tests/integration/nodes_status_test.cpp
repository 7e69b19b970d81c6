// SPDX-License-Identifier: Apache-2.0
// What others than the hub may ask of certificates (docs/revocation-status.md) is answered by whichever node they ask.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"
#include "tests/integration/nodes_world.h"

namespace latchkey::tests {
namespace {

class NodesStatus : public NodesWorld {
 protected:
  static void SetUpTestSuite() { begin({"--https-listen", "off"}); }

  static void write(const std::string& name, const Identity& identity) {
    const char* suffixes[] = {".pem", "-ca.pem", "-root.pem"};
    for (std::size_t i = 0; i < identity.chain.size() && i < 3; ++i) {
      std::ofstream(work_->path() / (name + suffixes[i])) << certificate_pem(identity.chain[i]);
    }
  }
  // What that node's responder says of NAME.pem; all that was said when no answer is good.
  static std::string asked(Hub& at, const std::string& name) {
    const auto status = nlohmann::json::parse(read_text(at.data() / "endpoints.json")).at("status");
    const auto answered = run({"/bin/sh", "-c",
                               "cd '" + work_->path().string() + "' && " + LATCHKEY_OPENSSL + " ocsp -url http://" +
                                   status.get<std::string>() + "/ocsp -CAfile " + name + "-root.pem -issuer " + name +
                                   "-ca.pem -cert " + name + ".pem"});
    const auto label = name + ".pem: ";
    const auto from = answered.out.find(label);
    if (answered.err.find("Response verify OK") == std::string::npos || from == std::string::npos) {
      return answered.out + answered.err;
    }
    const auto begin = from + label.size();
    return answered.out.substr(begin, answered.out.find('\n', begin) - begin);
  }
};

TEST_F(NodesStatus, certificates_of_a_ca_that_was_ended_are_answered_for_at_both_nodes_also_after_a_start) {
  Cohort cohort(*a_, "ended");
  const auto device = cohort.device("1");
  write("leaf", cohort.provision(device));
  for (Hub* at : {a_.get(), b_.get()}) EXPECT_EQ(asked(*at, "leaf"), "good");
  cohort.delete_policy();
  // Its last list and last responder are signed a moment later, by the node that is on duty; then its key goes.
  EXPECT_TRUE(eventually([] { return psql("SELECT COUNT(*) FROM cas WHERE key_ref = ''") == "1\n"; }));
  EXPECT_EQ(psql("SELECT COUNT(*) FROM settings WHERE name LIKE 'ocsp of %'"), "1\n");
  for (Hub* at : {a_.get(), b_.get()}) EXPECT_EQ(asked(*at, "leaf"), "good");
  for (Hub* at : {a_.get(), b_.get()}) EXPECT_TRUE(std::filesystem::is_empty(at->data() / "ocsp"));
  b_->stop();
  b_->start();
  EXPECT_EQ(asked(*b_, "leaf"), "good");
  operate(*b_, {"device", "revoke", "-n", device, "-y"});
  for (Hub* at : {a_.get(), b_.get()}) EXPECT_EQ(asked(*at, "leaf"), "revoked");
}

}  // namespace
}  // namespace latchkey::tests
