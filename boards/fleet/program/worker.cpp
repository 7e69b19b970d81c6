// SPDX-License-Identifier: Apache-2.0
#include "boards/fleet/program/worker.h"

#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <iostream>
#include <thread>

#include "boards/fleet/program/job.h"
#include "boards/fleet/swarm/swarm.h"
#include "platform/openssl/quick_ec_keys.h"

namespace latchkey::boards::fleet::program {
namespace {

constexpr int kDone = 0;
constexpr int kFault = 1;

// Reads lines from standard input until its end, without ever blocking the process's own end.
class Ear {
 public:
  explicit Ear(swarm::Swarm& swarm) : ending_(::eventfd(0, EFD_CLOEXEC)), thread_([this, &swarm] { listen(swarm); }) {}
  ~Ear() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto told = ::write(ending_.get(), &one, sizeof one);
    thread_.join();
  }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

 private:
  void listen(swarm::Swarm& swarm) const {
    std::string heard;
    for (;;) {
      pollfd waits[] = {{STDIN_FILENO, POLLIN, 0}, {ending_.get(), POLLIN, 0}};
      if (::poll(waits, 2, -1) < 0) continue;
      if (waits[1].revents != 0) return;
      char buffer[256];
      const auto got = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (got <= 0) return swarm.end(history::Ending::kInterrupted, "the program that started this worker has gone");
      heard.append(buffer, static_cast<std::size_t>(got));
      const auto line = heard.find('\n');
      if (line == std::string::npos) continue;
      return swarm.end(parse_ending(heard.substr(0, line)).value_or(history::Ending::kFailed), {});
    }
  }

  const files::Descriptor ending_;
  std::thread thread_;
};

// Only the first line: what follows is the ear's.
std::string read_line() {
  std::string line;
  char c = 0;
  while (::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

void say(const std::string& line) { std::cout << line << std::endl; }

int complain(const std::string& problem) {
  say("problem " + problem);
  return kFault;
}

swarm::Share share_of(const Job& job, scenario::Scenario scenario, std::vector<std::uint8_t> key) {
  swarm::Share share;
  share.scenario = std::move(scenario);
  share.prefix = job.prefix;
  share.first = job.shard.first;
  share.count = job.shard.count;
  share.start_us = job.start_us;
  share.dps = job.target.dps;
  share.id_scope = job.target.id_scope;
  share.trust_store = job.target.ca_file;
  share.clock_document = job.target.clock_document;
  share.group_key = std::move(key);
  share.handshakes = job.handshakes;
  share.retry_max_ms = job.retry_max_ms;
  share.slow_retry_ms = job.slow_retry_ms;
  return share;
}

}  // namespace

int run_worker() {
  std::signal(SIGINT, SIG_IGN);  // Ctrl-C reaches the whole group: the program says when to end
  std::signal(SIGPIPE, SIG_IGN);
  // Two threads allocate, and handshakes come and go by the thousand: do not hand every page back at once.
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
  raise_descriptor_limit();
  openssl::QuickEcKeys quick;  // before there are other threads
  (void)quick.begin();         // without it all goes on, slower
  const auto job = parse_job(read_line());
  if (!job) return complain("the job cannot be read");
  auto scenario = scenario::read_scenario(job->document, job->changes);
  if (!scenario) return complain(scenario::to_text(scenario.error()));
  std::string problem;
  auto key = read_group_key(job->target.key_file, problem);
  if (key.empty()) return complain(problem);
  history::RunBegun begun;
  begun.scenario = scenario->name;
  begun.seed = scenario->seed;
  begun.devices = scenario->devices;
  begun.prefix = job->prefix;
  begun.started_ms = job->started_ms;
  begun.worker = job->worker;
  begun.workers = job->workers;
  begun.first = job->shard.first;
  begun.count = job->shard.count;
  auto writer = history::Writer::create(history::file_of(job->out, job->worker), begun);
  if (!writer) return complain("no history can be written to " + job->out);
  const auto swarm =
      swarm::Swarm::create(share_of(*job, std::move(*scenario), std::move(key)), std::move(*writer), problem);
  if (!swarm) return complain(problem);
  const Ear ear(*swarm);
  swarm->run([](const swarm::Counters& counters) { say(to_line(counters)); });
  return kDone;
}

}  // namespace latchkey::boards::fleet::program
