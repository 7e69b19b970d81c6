// SPDX-License-Identifier: Apache-2.0
#include "hub/watch/metrics.h"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

namespace latchkey::hub::watch {
namespace {

using registry::Reason;
using testing::HasSubstr;
using testing::Not;

// A strict reader of the text format (prometheus.io, "Exposition formats", version 0.0.4): what it does not know, or
// what stands out of order, is a fault. Values by series: name and labels as written.
struct Exposition {
  std::map<std::string, double> values;
  std::map<std::string, std::string> types;
  std::set<std::string> helped;
  std::vector<std::string> faults;
};

std::string family_of(const std::string& series, const Exposition& read) {
  const auto name = series.substr(0, series.find('{'));
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    const auto base = name.size() > std::string(suffix).size() && name.ends_with(suffix)
                          ? name.substr(0, name.size() - std::string(suffix).size())
                          : name;
    const auto type = read.types.find(base);
    if (base != name && type != read.types.end() && type->second == "histogram") return base;
  }
  return name;
}

void read_line(const std::string& line, Exposition& read) {
  static const std::regex kHelp("# HELP ([a-z_]+) (.+)");
  static const std::regex kType("# TYPE ([a-z_]+) (counter|gauge|histogram)");
  static const std::regex kSample(
      R"re(([a-z_]+(\{[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*\})?) ([0-9.e+-]+|\+Inf))re");
  std::smatch parts;
  if (std::regex_match(line, parts, kHelp)) {
    if (!read.helped.insert(parts[1]).second) read.faults.push_back("second HELP: " + line);
  } else if (std::regex_match(line, parts, kType)) {
    if (read.helped.count(parts[1]) == 0) read.faults.push_back("TYPE without HELP: " + line);
    if (!read.types.emplace(parts[1], parts[2]).second) read.faults.push_back("second TYPE: " + line);
  } else if (std::regex_match(line, parts, kSample)) {
    if (read.types.count(family_of(parts[1], read)) == 0) read.faults.push_back("sample without TYPE: " + line);
    if (!read.values.emplace(parts[1], parts[6] == "+Inf" ? INFINITY : std::stod(parts[6])).second) {
      read.faults.push_back("second value: " + line);
    }
  } else {
    read.faults.push_back("what is this? " + line);
  }
}

// What promtool's linter asks of names (prometheus/util/promlint).
void lint(Exposition& read) {
  for (const auto& [name, type] : read.types) {
    if (!name.starts_with("latchkey_")) read.faults.push_back(name + " has no prefix");
    if ((type == "counter") != name.ends_with("_total")) read.faults.push_back(name + " is a " + type);
    for (const char* no : {"_count", "_sum", "_bucket", "milli", "_ms", "_minutes"}) {
      if (name.find(no) != std::string::npos && !name.starts_with("latchkey_connections")) {
        read.faults.push_back(name + " contains " + no);
      }
    }
  }
}

Exposition read_exposition(const std::string& text) {
  Exposition read;
  if (!text.ends_with('\n')) read.faults.push_back("the last line has no end");
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) read_line(line, read);
  lint(read);
  return read;
}

class PlayedSource final : public Source {
 public:
  Numbers numbers() override { return given; }
  Numbers given;
};

class MetricsTest : public testing::Test {
 protected:
  MetricsTest() {
    source.given.version = "1.2.3";
    EndpointNumbers hub;
    hub.name = "hub";
    hub.ready = true;
    hub.sessions = 7;
    hub.lag = 3;
    hub.decisions[0] = 12;
    hub.decisions[static_cast<std::size_t>(Reason::kIdentifierMismatch)] = 5;
    hub.renewals = 2;
    EndpointNumbers dps;
    dps.name = "dps";
    dps.decisions[static_cast<std::size_t>(Reason::kTokenInvalid)] = 4;
    source.given.endpoints = {dps, hub};
    source.given.provisioning = ProvisioningNumbers{5, 16, 1'000, 40, 312.5, 9};
    registry::ExpiryGroup group;
    group.ns = "default";
    group.policy = "line \"a\"";
    group.hub = "hub";
    group.ends = {1, 2, 3, 4, 5, 6};
    group.overdue = 9;
    source.given.expiry = {group};
    source.given.authorities = {{"root", "default", "", 2'000'000'000'500}};
  }
  http::Response ask(const std::string& method = "GET", const std::string& path = "/metrics") {
    http::Request request;
    request.method = method;
    request.path = path;
    return Metrics(source, store).handle(request);
  }
  Exposition read() { return read_exposition(ask().body); }

  PlayedSource source;
  StoreWatch store;
};

TEST_F(MetricsTest, every_line_is_what_the_format_allows_and_names_are_clean) {
  store.operation("certificate.issue", Reason::kNone, std::chrono::milliseconds(3));
  store.committed(4, std::chrono::milliseconds(2), std::chrono::milliseconds(1));
  EXPECT_THAT(read().faults, testing::IsEmpty());
  EXPECT_EQ(ask().content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(MetricsTest, the_reader_of_this_test_sees_what_is_wrong) {
  for (const char* wrong :
       {"latchkey_x 1\n", "# TYPE latchkey_x gauge\nlatchkey_x 1\n",
        "# HELP latchkey_x a\n# TYPE latchkey_x counter\nlatchkey_x 1\n",
        "# HELP latchkey_x a\n# TYPE latchkey_x gauge\nlatchkey_x{a=\"b} 1\n",
        "# HELP latchkey_x a\n# TYPE latchkey_x gauge\nlatchkey_x 1\nlatchkey_x 2\n",
        "# HELP x a\n# TYPE x gauge\nx 1\n", "# HELP latchkey_x a\n# TYPE latchkey_x gauge\nlatchkey_x 1"}) {
    EXPECT_THAT(read_exposition(wrong).faults, Not(testing::IsEmpty())) << wrong;
  }
}

TEST_F(MetricsTest, numbers_are_those_of_their_endpoint) {
  const auto values = read().values;
  EXPECT_EQ(values.at("latchkey_build_info{version=\"1.2.3\"}"), 1);
  EXPECT_EQ(values.at("latchkey_sessions{endpoint=\"hub\"}"), 7);
  EXPECT_EQ(values.at("latchkey_sessions{endpoint=\"dps\"}"), 0);
  EXPECT_EQ(values.at("latchkey_feed_lag_changes{endpoint=\"hub\"}"), 3);
  EXPECT_EQ(values.at("latchkey_gate_ready{endpoint=\"hub\"}"), 1);
  EXPECT_EQ(values.at("latchkey_gate_ready{endpoint=\"dps\"}"), 0);
  EXPECT_EQ(values.at("latchkey_renewals_total{endpoint=\"hub\"}"), 2);
  EXPECT_EQ(values.at("latchkey_connections_accepted_total{endpoint=\"hub\"}"), 12);
  EXPECT_EQ(values.at("latchkey_connections_refused_total{endpoint=\"hub\",reason=\"identifier mismatch\"}"), 5);
  EXPECT_EQ(values.at("latchkey_connections_refused_total{endpoint=\"dps\",reason=\"token invalid\"}"), 4);
  EXPECT_EQ(values.at("latchkey_ca_not_after_timestamp_seconds{kind=\"root\",namespace=\"default\",policy=\"\"}"),
            2'000'000'000.5);
}

TEST_F(MetricsTest, registrations_are_counted_where_there_is_a_provisioning_endpoint) {
  const auto values = read().values;
  EXPECT_EQ(values.at("latchkey_registrations_waiting"), 5);
  EXPECT_EQ(values.at("latchkey_registrations_running"), 16);
  EXPECT_EQ(values.at("latchkey_registrations_admitted_total"), 1'000);
  EXPECT_EQ(values.at("latchkey_registrations_turned_away_total"), 40);
  EXPECT_EQ(values.at("latchkey_registrations_per_second"), 312.5);
  EXPECT_EQ(values.at("latchkey_registrations_retry_after_seconds"), 9);
  source.given.provisioning.reset();
  EXPECT_EQ(read().values.count("latchkey_registrations_waiting"), 0u);
}

TEST_F(MetricsTest, every_reason_of_a_gate_is_there_before_it_first_happens) {
  const auto values = read().values;
  for (int i = 1; i < 40; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (registry::faces(reason).reason != reason) continue;
    const std::string name(registry::to_string(reason));
    EXPECT_EQ(values.count("latchkey_connections_refused_total{endpoint=\"hub\",reason=\"" + name + "\"}"), 1u) << name;
  }
}

TEST_F(MetricsTest, names_with_quotes_are_escaped) {
  const auto values = read().values;
  EXPECT_EQ(values.at("latchkey_expiring_devices{namespace=\"default\",policy=\"line \\\"a\\\"\",hub=\"hub\","
                      "within_days=\"14\"}"),
            4);
  EXPECT_EQ(values.at("latchkey_renewal_devices{namespace=\"default\",policy=\"line \\\"a\\\"\",hub=\"hub\","
                      "state=\"overdue\"}"),
            9);
}

TEST_F(MetricsTest, namesakes_of_a_deleted_policy_are_one_series) {
  auto deleted = source.given.expiry.front();
  deleted.policy_deleted = true;
  source.given.expiry.push_back(deleted);
  source.given.expiry.push_back(deleted);
  const auto all = read();
  EXPECT_THAT(all.faults, testing::IsEmpty());
  EXPECT_EQ(all.values.at("latchkey_renewal_devices{namespace=\"default\",policy=\"line \\\"a\\\" (deleted)\","
                          "hub=\"hub\",state=\"overdue\"}"),
            18);
}

TEST_F(MetricsTest, what_the_registry_did_is_counted_by_outcome) {
  store.operation("device.revoke", Reason::kNone, std::chrono::milliseconds(3));
  store.operation("device.revoke", Reason::kNotFound, std::chrono::milliseconds(3));
  store.operation("policy.revoke", Reason::kNone, std::chrono::seconds(20));
  store.operation("certificate.issue", Reason::kNone, std::chrono::milliseconds(3));
  const auto values = read().values;
  EXPECT_EQ(values.at("latchkey_revocations_total{kind=\"device\"}"), 1);
  EXPECT_EQ(values.at("latchkey_revocations_total{kind=\"policy\"}"), 1);
  EXPECT_EQ(values.at("latchkey_certificates_issued_total"), 1);
  EXPECT_EQ(values.at("latchkey_registry_operations_total{action=\"device.revoke\",outcome=\"ok\"}"), 1);
  EXPECT_EQ(values.at("latchkey_registry_operations_total{action=\"device.revoke\",outcome=\"refused\"}"), 1);
  EXPECT_EQ(values.at("latchkey_store_operation_seconds_count"), 4);
  EXPECT_EQ(values.at("latchkey_store_operation_seconds_bucket{le=\"+Inf\"}"), 4);
  EXPECT_EQ(values.at("latchkey_store_operation_seconds_bucket{le=\"10\"}"), 3);
}

TEST_F(MetricsTest, a_transaction_that_came_to_no_commit_is_no_fast_commit) {
  store.committed(2, std::chrono::milliseconds(2), std::chrono::milliseconds(1));
  store.committed(2, std::chrono::milliseconds(2), {});
  const auto values = read().values;
  EXPECT_EQ(values.at("latchkey_store_transaction_seconds_count"), 2);
  EXPECT_EQ(values.at("latchkey_store_commit_seconds_count"), 1);
  EXPECT_EQ(values.at("latchkey_store_batch_operations_sum"), 4);
}

TEST_F(MetricsTest, the_pace_of_issuance_is_unknown_before_the_first_certificate) {
  EXPECT_FALSE(store.issued_per_minute());
  store.operation("certificate.issue", Reason::kStorage, {});
  EXPECT_FALSE(store.issued_per_minute());
  store.operation("certificate.issue", Reason::kNone, {});
  EXPECT_GE(store.issued_per_minute().value_or(0), 60.0);
}

TEST_F(MetricsTest, other_paths_and_methods_are_refused) {
  EXPECT_EQ(ask("GET", "/").status, 404);
  EXPECT_EQ(ask("GET", "/metrics/x").status, 404);
  EXPECT_EQ(ask("POST").status, 405);
  EXPECT_EQ(ask("DELETE").status, 405);
  EXPECT_EQ(ask("HEAD").status, 200);
}

TEST_F(MetricsTest, many_threads_may_count_while_others_read) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < 500; ++j) {
        store.operation("certificate.issue", Reason::kNone, std::chrono::microseconds(j));
        store.committed(1, std::chrono::microseconds(j), std::chrono::microseconds(1));
      }
    });
  }
  for (int i = 0; i < 20; ++i) EXPECT_THAT(read().faults, testing::IsEmpty());
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(read().values.at("latchkey_certificates_issued_total"), 2000);
}

}  // namespace
}  // namespace latchkey::hub::watch
