// SPDX-License-Identifier: Apache-2.0
// Metrics of a real hub, read by the Python client of the Prometheus project: what it makes of the text, and whether
// the numbers are those of what was done.
#include <map>
#include <nlohmann/json.hpp>

#include "tests/integration/hub_cohort.h"

namespace latchkey::tests {
namespace {

using nlohmann::json;

// Prints {"types": {family: type}, "values": {series: value}}; labels in the order of their names.
constexpr const char* kReader = R"py(
import json, sys, urllib.request
from prometheus_client.parser import text_string_to_metric_families
answer = urllib.request.urlopen(sys.argv[1], timeout=30)
types, values = {}, {}
for family in text_string_to_metric_families(answer.read().decode()):
    assert family.documentation, family.name
    types[family.name] = family.type
    for sample in family.samples:
        labels = ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items()))
        assert (sample.name, labels) not in values, sample
        values[sample.name + "{" + labels + "}"] = sample.value
print(json.dumps({"types": types, "values": values, "contentType": answer.headers["Content-Type"]}))
)py";

class MetricsOfAHub : public HubTest<MetricsOfAHub> {
 public:
  static Hub::Options options() {
    Hub::Options options;
    options.more = {"--metrics", "127.0.0.1:0"};
    return options;
  }

 protected:
  static std::string address() {
    return json::parse(read_text(hub().data() / "endpoints.json")).at("metrics").get<std::string>();
  }
  static json scrape() {
    const auto finished = run({LATCHKEY_SYSTEM_PYTHON, "-c", kReader, "http://" + address() + "/metrics"});
    EXPECT_EQ(finished.exit_status, 0) << finished.err;
    return finished.exit_status == 0 ? json::parse(finished.out) : json{{"types", {}}, {"values", {}}};
  }
  static double value(const std::string& series) { return scrape().at("values").value(series, -1.0); }
  // Decisions and sessions reach the hub process within a tick of the broker.
  static testing::AssertionResult comes_to(const std::string& series, double wanted) {
    double last = -1;
    if (eventually([&] { return (last = value(series)) == wanted; })) return testing::AssertionSuccess();
    return testing::AssertionFailure() << series << " is " << last << ", not " << wanted;
  }
};

TEST_F(MetricsOfAHub, are_read_by_a_client_that_others_wrote) {
  const auto all = scrape();
  EXPECT_EQ(all.at("contentType"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(all.at("types").at("latchkey_connections_refused"), "counter");  // the client takes _total off
  EXPECT_EQ(all.at("types").at("latchkey_sessions"), "gauge");
  EXPECT_EQ(all.at("types").at("latchkey_store_commit_seconds"), "histogram");
  EXPECT_EQ(all.at("values").at("latchkey_gate_ready{endpoint=hub}"), 1.0);
  EXPECT_EQ(all.at("values").at("latchkey_gate_ready{endpoint=dps}"), 1.0);
  EXPECT_GT(all.at("values").at("latchkey_store_commit_seconds_count{}"), 0.0);
  EXPECT_GT(
      all.at("values").at("latchkey_ca_not_after_timestamp_seconds{kind=issuing,namespace=default,policy=default}"),
      2.0e9 - 1.0e9);
  EXPECT_EQ(hub().json({"status"}).at("metrics"), address());
}

TEST_F(MetricsOfAHub, count_what_was_done) {
  const auto issued = value("latchkey_certificates_issued_total{}");
  const auto revoked = value("latchkey_revocations_total{kind=device}");
  Cohort cohort(hub(), "counted");
  const auto a = cohort.device("a");
  const auto first = cohort.provision(a);
  const auto session = open_session(hub(), a, first);
  EXPECT_TRUE(comes_to("latchkey_sessions{endpoint=hub}", 1));
  EXPECT_TRUE(comes_to("latchkey_certificates_issued_total{}", issued + 1));
  const std::string mismatch = "latchkey_connections_refused_total{endpoint=hub,reason=identifier mismatch}";
  EXPECT_EQ(value(mismatch), 0) << "there from the start";

  operate(hub(), {"device", "revoke", "-n", a, "-y"});
  EXPECT_TRUE(comes_to("latchkey_revocations_total{kind=device}", revoked + 1));
  EXPECT_TRUE(comes_to("latchkey_sessions{endpoint=hub}", 0));
  EXPECT_TRUE(comes_to("latchkey_feed_lag_changes{endpoint=hub}", 0));
  EXPECT_TRUE(refused(hub(), a, first, kIdentifierMismatch));
  EXPECT_TRUE(comes_to(mismatch, 1));

  const auto second = cohort.provision(a);
  EXPECT_EQ(renew(hub(), a, second).status, 200);
  EXPECT_TRUE(comes_to("latchkey_renewals_total{endpoint=hub}", 1));
}

TEST_F(MetricsOfAHub, follow_the_rehearsals_clock_and_name_no_device) {
  operate(hub(), {"policy", "create", "-n", "short", "--validity-days", "7"});
  operate(hub(), {"enrollment", "create", "--id", "short", "--group", "--policy", "short"});
  hub().provision("a-device-by-name", enrollment_key(hub(), "short", true));
  hub().set_clock(6.5 * 86'400);
  EXPECT_TRUE(comes_to("latchkey_expiring_devices{hub=hub,namespace=default,policy=short,within_days=1}", 1));
  EXPECT_TRUE(comes_to("latchkey_renewal_devices{hub=hub,namespace=default,policy=short,state=overdue}", 1));
  for (const auto& [series, number] : scrape().at("values").items()) {
    EXPECT_EQ(series.find("a-device-by-name"), std::string::npos) << series;
  }
  hub().set_clock(0);
}

TEST_F(MetricsOfAHub, are_off_unless_asked_for) {
  Hub other;
  other.start();
  EXPECT_FALSE(json::parse(read_text(other.data() / "endpoints.json")).contains("metrics"));
  EXPECT_TRUE(other.json({"status"}).at("metrics").is_null());
  EXPECT_EQ(other.cli({"up", "--metrics", "nowhere"}).exit_status, 2);
}

}  // namespace
}  // namespace latchkey::tests
