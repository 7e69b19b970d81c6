// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/crew.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace latchkey::boards::fleet::program {
namespace {

constexpr std::string_view kProblem = "problem ";

}  // namespace

std::optional<Crew> Crew::start(const std::vector<Job>& jobs, std::string& problem) {
  std::vector<Worker> workers;
  workers.reserve(jobs.size());
  for (const auto& job : jobs) {
    auto child = Child::start({own_folder() + "/latchkey-fleet", "worker"}, Child::Errors::kOurs);
    if (!child || !child->say(to_line(job) + "\n")) {
      problem = "a worker process cannot be started";
      return std::nullopt;  // the others end when their input does
    }
    workers.push_back({std::move(*child), {}, {}, true});
  }
  return Crew(std::move(workers));
}

void Crew::add_to(std::vector<pollfd>& waits) const {
  for (const auto& worker : workers_) {
    if (worker.at_work) waits.push_back({worker.child.output(), POLLIN, 0});
  }
}

void Crew::hear() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto& worker = workers_[i];
    char buffer[4096];
    while (worker.at_work) {
      const auto got = ::read(worker.child.output(), buffer, sizeof buffer);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
      if (got <= 0) {
        has_ended(worker, i + 1);
        break;
      }
      worker.heard.append(buffer, static_cast<std::size_t>(got));
      for (auto end = worker.heard.find('\n'); end != std::string::npos; end = worker.heard.find('\n')) {
        take(worker, worker.heard.substr(0, end));
        worker.heard.erase(0, end + 1);
      }
    }
  }
}

void Crew::take(Worker& worker, const std::string& line) {
  if (const auto counters = parse_counters(line)) {
    worker.counters = *counters;
  } else if (line.rfind(kProblem, 0) == 0 && problem_.empty()) {
    problem_ = line.substr(kProblem.size());
  }
}

void Crew::has_ended(Worker& worker, std::size_t number) {
  worker.at_work = false;
  const int status = worker.child.wait();
  if (problem_.empty() && (!ending_ || status != 0)) {
    problem_ = "worker " + std::to_string(number) + " has ended by itself (exit status " + std::to_string(status) +
               "): its history says why, if it could";
  }
}

swarm::Counters Crew::total() const {
  swarm::Counters sum;
  for (const auto& worker : workers_) {
    const auto& one = worker.counters;
    sum.provisioned += one.provisioned;
    sum.renewed += one.renewed;
    sum.hub_connects += one.hub_connects;
    sum.refused += one.refused;
    sum.failed += one.failed;
    sum.sent += one.sent;
    sum.acknowledged += one.acknowledged;
    sum.connected += one.connected;
    sum.back += one.back;
    sum.broken += one.broken;
  }
  return sum;
}

bool Crew::any_at_work() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const Worker& worker) { return worker.at_work; });
}

std::vector<Named> Crew::processes() const {
  std::vector<Named> all;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].at_work) all.emplace_back("fleet worker " + std::to_string(i + 1), workers_[i].child.pid());
  }
  return all;
}

void Crew::end(history::Ending why) {
  ending_ = true;
  for (auto& worker : workers_) {
    if (worker.at_work) worker.child.say(to_line(why) + "\n");
  }
}

void Crew::kill() {
  for (auto& worker : workers_) worker.child.kill();
}

}  // namespace latchkey::boards::fleet::program
