// SPDX-License-Identifier: Apache-2.0
// Two nodes, a and b, on one PostgreSQL, with their keys sealed in it: they share nothing else. They live through all
// tests of a suite; each test has devices of its own.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/integration/up_world.h"
#include "tests/support/hub.h"
#include "tests/support/postgresql.h"

namespace latchkey::tests {

class NodesWorld : public testing::Test {
 protected:
  // `more`: further options of both.
  static void begin(std::vector<std::string> more) {
    more_ = std::move(more);
    work_ = std::make_unique<TemporaryFolder>();
    server_ = std::make_unique<PostgresServer>();
    (void)psql("CREATE DATABASE nodes", "postgres");
    if (const auto key = run({built("latchkey"), "keys", "new", node_key()}); key.exit_status != 0) {
      throw std::runtime_error(key.err);
    }
    a_ = std::make_unique<Hub>(options("a"));
    a_->start();
    b_ = std::make_unique<Hub>(options("b"));
    b_->start();
  }
  static void TearDownTestSuite() {
    b_.reset();
    a_.reset();
    server_.reset();
    work_.reset();
  }
  static std::string node_key() { return (work_->path() / "node.key").string(); }
  static Hub::Options options(const std::string& name) {
    Hub::Options options;
    options.rehearsal = false;
    options.more = {
        "--store",     server_->url("nodes"), "--keys", "sealed:" + node_key(), "--node", name, "--lease", "120",
        "--advertise", "hub.example.net:8883"};
    options.more.insert(options.more.end(), more_.begin(), more_.end());
    return options;
  }
  static std::string psql(const std::string& statement, const std::string& database = "nodes") {
    const auto done = run({"/usr/lib/postgresql/15/bin/psql", "-XAt", "-c", statement, server_->url(database)});
    if (done.exit_status != 0) throw std::runtime_error(done.err);
    return done.out;
  }

  static inline std::vector<std::string> more_;
  static inline std::unique_ptr<TemporaryFolder> work_;
  static inline std::unique_ptr<PostgresServer> server_;
  static inline std::unique_ptr<Hub> a_;
  static inline std::unique_ptr<Hub> b_;
};

}  // namespace latchkey::tests
