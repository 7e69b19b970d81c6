// SPDX-License-Identifier: Apache-2.0
// This hub process as one of several nodes on one registry (docs/consistency.md): it joins under its name, hands the
// leases that it gets to its gates, tells the others what all of its gates have, and ends its sessions of devices that
// have a newer one at another node.
//
// Threads: all functions from any thread, but start(), serve(), stop() and leave(), which belong to whoever starts the
// process.
#pragma once

#include <array>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "hub/app/endpoints/hub_endpoints.h"
#include "hub/app/nodes/drain.h"
#include "hub/app/nodes/elsewhere.h"
#include "hub/app/nodes/node_news.h"
#include "registry/cluster/asked_calls.h"
#include "registry/cluster/claimant.h"
#include "registry/cluster/cluster.h"
#include "registry/cluster/served_calls.h"

namespace latchkey::hub::app {

class Node {
 public:
  struct Options {
    std::string name;
    std::string store;
    std::string address;  // that devices are told
    std::int64_t lease_ms = 8'000;
    std::filesystem::path note;          // the file in the data folder that says which incarnation this folder has
    std::filesystem::path news_place;    // the file there that NodeNews keeps
    int patience_ms = 20'000;            // of a wait for a node that lives and does not confirm
    std::function<void()> changed = {};  // something that operators change, at whichever node; must not block
  };
  // As link::Enforcement: returns when the gates of this process have it, one that does not follow is fenced.
  using Local = std::function<registry::Outcome<registry::Nothing>(registry::Sequence, link::Progress)>;
  // `registry` and `hubs` outlive this object.
  Node(Options options, registry::Registry& registry, HubEndpoints& hubs, Local local);
  ~Node() { stop(); }

  // Joins; from here on there are leases. kAlreadyExists, kStorage; kShuttingDown once `end` is asked for.
  registry::Outcome<registry::Nothing> start(const std::stop_token& end);
  // Every broker that may run on from an earlier process is known now: what the gates have is told from here on.
  void serve();
  // Every broker has told its sessions: what else stands in the registry as this node's is over.
  void all_told() { claimant_.all_told(); }
  // And every session: devices hear from here on what is done at other nodes.
  void follow(NodeNews::Sessions sessions) { news_.begin(sessions); }
  // Something was done here that a device is to hear: it is looked at at once.
  void hurry() { cluster_.hurry(); }
  // Direct methods for devices that are not connected here.
  twin::OtherNodes& others() { return others_; }
  const Elsewhere& elsewhere() const { return elsewhere_; }
  // Ends every wait for such a device.
  void stop_waiting() { asked_.stop(); }
  void stop();
  // Behind stop(), when no gate serves anybody: nobody has to wait for this node. Without serve() nothing is said:
  // brokers of an earlier process may run that nobody has ended.
  void leave();

  // What all nodes of a registry say alike: as the first of them said it. Behind start().
  registry::Outcome<std::string> agree(const std::string& setting, const std::string& ours) const;

  // Until all other nodes have the change, or serve nobody: Cluster::wait.
  registry::Outcome<registry::Nothing> wait(registry::Sequence sequence, link::Progress progress);
  registry::cluster::Cluster::State state() const { return cluster_.state(); }
  const std::string& name() const { return cluster_.name(); }
  registry::cluster::Claims& claims() { return claims_; }  // what hub endpoints tell of their sessions

  // Whether this node does what one is to do for all, and its name among all that there ever were: of Cluster.
  bool on_duty() const { return cluster_.on_duty(); }
  std::string mark() const { return cluster_.mark(); }

  // Why devices should go to another node now; empty: they are welcome.
  std::string not_ready() const;

  static std::int64_t boot_ms();

 private:
  // Tells what all gates have, of one kind of progress.
  struct Teller {
    link::Progress progress = link::Progress::kApplied;
    std::thread thread;
  };
  class Others final : public twin::OtherNodes {
   public:
    explicit Others(Node& node) : node_(node) {}
    registry::Outcome<std::string> invoke(const std::string& namespace_name, const std::string& device_id,
                                          const twin::MethodCall& call) override;
    bool connected(const std::string& namespace_name, const std::string& device_id) override;

   private:
    Node& node_;
  };
  registry::cluster::Cluster::Options cluster_options() const;
  registry::cluster::Cluster::Events events();
  registry::Outcome<bool> pass(registry::store::Database& database, const std::vector<std::string>& others);
  void tell(link::Progress progress);
  std::size_t sessions() const;
  std::vector<Drain::Session> list_sessions() const;

  const Options options_;
  registry::Registry& registry_;
  HubEndpoints& hubs_;
  const Local local_;

  std::mutex mutex_;  // guards the next three
  std::condition_variable changed_;
  bool stopping_ = false;
  registry::Sequence newest_ = 0;

  bool serves_ = false;  // of whoever starts the process
  std::array<Teller, 2> tellers_;
  registry::cluster::Claims claims_;
  registry::cluster::Claimant claimant_;
  NodeNews news_;
  registry::cluster::AskedCalls asked_;
  registry::cluster::ServedCalls served_;
  const Elsewhere elsewhere_;
  Others others_{*this};
  Drain drain_;                         // the cluster's thread alone
  registry::cluster::Cluster cluster_;  // stops first: its events use the rest
};

}  // namespace latchkey::hub::app
