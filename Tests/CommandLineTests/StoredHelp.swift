/// The reviewed help of every verb; the empty name is the program's.
///
/// After a wanted change, paste what the failing test prints.
let storedHelp: [String: String] = [
    "": """
    polycast - live media for a group, carried by the members' own machines

    Usage: polycast VERB [OPTION]... [OPERAND]

    Verbs:
      rendezvous  run the server where members find each other
      join        join a group: publish, forward and deliver its media
      status      show the links and streams of a peer on this host
      members     list the members of a group
      tree        show a peer's parent and children for every source
      leave       make a peer on this host leave its group and end
      demo        run a rendezvous and five peers here, with real video
      simulate    try the overlay on simulated networks
      completion  print the completion script of a shell
      help        explain a verb, or list them all
      version     print the version

    Options:
      -h, --help              print this help and exit
      -V, --version           print the version and exit

    Examples:
      polycast rendezvous
      polycast join polycast://192.0.2.1:7400/standup --publish cam.sdp
      polycast status
      polycast members
      polycast tree
      polycast leave --name ada
      polycast demo
      polycast simulate --peers 128 --fanout 6 --fail 16@60s --seed 7
      source <(polycast completion bash)
      polycast help join
      polycast version

    Run 'polycast help VERB' for the options of a verb.

    """,
    "rendezvous": """
    polycast rendezvous - run the server where members find each other

    Usage: polycast rendezvous [OPTION]...

    Members register with a rendezvous and learn of each other there. No media
    passes through it, and a group goes on without it.

    Options:
      --listen ADDRESS:PORT   UDP address (default [::]:7400, which is IPv6 and
                              IPv4)
      --lease TIME            forget members silent this long (default 30s)
      --group-limit N         groups at most (default 10000)
      --member-limit N        members of a group at most (default 10000)
      --address-member-limit N
                              members behind one IP address at most (default 256)
      --request-rate N        requests per second from one IP address at most
                              (default 50)
      --duration TIME         end by itself (default: at a signal)
      -J, -j, --json          print one JSON object instead of text
      -v, --verbose           log more to standard error; twice for more still
      -q, --quiet             log errors only
      -h, --help              print this help and exit

    Examples:
      polycast rendezvous
          on port 7400 of every address, IPv4 and IPv6
      polycast rendezvous --listen 192.0.2.1:7400 --lease 1m
          on one address only

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      5    a permission is missing
      130  ended by SIGINT, in order (143: by SIGTERM)

    """,
    "join": """
    polycast join - join a group: publish, forward and deliver its media

    Usage: polycast join [OPTION]... INVITE

    Becomes a member of the group that the invite polycast://HOST[:PORT]/GROUP
    names, and forwards its media to other members within the uplink.

    On a terminal one line shows the state; a summary follows at the end.

    Operands:
      INVITE                  polycast://HOST[:PORT]/GROUP

    Options:
      --publish SPEC          send FILE.sdp, rtp://HOST:PORT, udp://HOST:PORT or
                              test:rate=2M,size=1200; may be repeated
      --deliver SPEC          hand streams to rtp://HOST:PORT or udp://HOST:PORT,
                              one port pair each; may be repeated
      --sdp-dir DIR           write NAME.sdp for each remote member there, for
                              players
      --name NAME             this member's name (default: made from the host's)
      --uplink RATE           what may be sent in all, such as 4M (default 10M)
      --bind ADDRESS:PORT     local UDP address (default [::]:0, a free port)
      --fanout N              children per source at most (default: by the uplink)
      --algorithm NAME        how this member's streams find the others: spt (a
                              tree by delay), flood (and prune) or auto (default
                              spt)
      --duration TIME         leave by itself, such as 30s, 5m or 1h
      --rendezvous-timeout TIME
                              give up if nothing answers this long at the start
                              (default 5s)
      --socket PATH           management socket to offer
      --seed N                make the random choices repeatable
      -J, -j, --json          print one JSON object instead of text
      -v, --verbose           log more to standard error; twice for more still
      -q, --quiet             log errors only
      -h, --help              print this help and exit

    Examples:
      polycast join polycast://192.0.2.1:7400/standup --publish cam.sdp
          send the RTP streams that cam.sdp describes
      polycast join polycast://[2001:db8::1]/standup --deliver rtp://127.0.0.1:6000
          receive every stream, from port 6000 upwards
      polycast join polycast://192.0.2.1/lab --publish test:rate=2M --duration 30s
          measure with the built-in pattern for half a minute

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      5    a permission is missing
      6    the rendezvous does not answer or refuses
      8    a file given is not usable
      130  ended by SIGINT, in order (143: by SIGTERM)

    """,
    "status": """
    polycast status - show the links and streams of a peer on this host

    Usage: polycast status [OPTION]...

    Options:
      --socket PATH           management socket of the peer
      --name NAME             which peer to ask (default: the only one on this
                              host)
      -J, -j, --json          print one JSON object instead of text
      -h, --help              print this help and exit

    Examples:
      polycast status
          ask the only peer that runs on this host
      polycast status --name ada --json
          ask one of several, for a program

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite

    """,
    "members": """
    polycast members - list the members of a group

    Usage: polycast members [OPTION]... [INVITE]

    With an invite, asks that rendezvous; without, asks a peer on this host.

    Operands:
      INVITE                  ask the rendezvous of polycast://HOST[:PORT]/GROUP

    Options:
      --socket PATH           management socket of the peer
      --name NAME             which peer to ask (default: the only one on this
                              host)
      -J, -j, --json          print one JSON object instead of text
      -h, --help              print this help and exit

    Examples:
      polycast members
          as the peer on this host knows them
      polycast members polycast://192.0.2.1:7400/standup
          as the rendezvous knows them, without joining

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      6    the rendezvous does not answer or refuses

    """,
    "tree": """
    polycast tree - show a peer's parent and children for every source

    Usage: polycast tree [OPTION]...

    Options:
      --socket PATH           management socket of the peer
      --name NAME             which peer to ask (default: the only one on this
                              host)
      -J, -j, --json          print one JSON object instead of text
      -h, --help              print this help and exit

    Examples:
      polycast tree
          who feeds this peer, and whom it feeds

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite

    """,
    "leave": """
    polycast leave - make a peer on this host leave its group and end

    Usage: polycast leave [OPTION]...

    Options:
      --socket PATH           management socket of the peer
      --name NAME             which peer to ask (default: the only one on this
                              host)
      -J, -j, --json          print one JSON object instead of text
      -h, --help              print this help and exit

    Examples:
      polycast leave --name ada
          its join prints the summary and ends

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite

    """,
    "demo": """
    polycast demo - run a rendezvous and five peers here, with real video

    Usage: polycast demo [OPTION]...

    Starts six processes on loopback addresses, publishes ffmpeg's test picture
    from one peer and a second source from another, and prints the trees and what
    each peer received. Leaves a decoded PNG and the tree as SVG.

    Without ffmpeg the built-in pattern is sent instead.

    Options:
      --out DIR               where results are left (default ./out/demo)
      --duration TIME         how long media flows (default 20s)
      --pattern               send the built-in pattern even if ffmpeg exists
      -J, -j, --json          print one JSON object instead of text
      -h, --help              print this help and exit

    Examples:
      polycast demo
          20 seconds, results in ./out/demo
      polycast demo --pattern --duration 5s
          a short look, without ffmpeg

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      3    a check failed or a threshold was missed
      130  ended by SIGINT, in order (143: by SIGTERM)

    """,
    "simulate": """
    polycast simulate - try the overlay on simulated networks

    Usage: polycast simulate [OPTION]...

    Runs the program's own control and forwarding planes, or another system, on a
    simulated network in virtual time, and prints what was delivered and what it
    cost. The same seed gives the same run.

    TOPOLOGY is transit-stub:N, waxman:N, barabasi-albert:N,M, pairwise:LO-HI (ms),
    king:N, figure, or a file. Shares are from 0 to 1.

    Options:
      --topology TOPOLOGY     the network (default transit-stub:10000)
      --peers N               members at the start (default 32)
      --sources N             how many of them publish (default 1)
      --algorithm NAME        auto, spt, flood, narada, plumtree, gossipsub-1.0,
                              gossipsub-1.1, flooding, star, ip-multicast,
                              compact-tree (default auto)
      --fanout N              children per source at most (default: by the uplink)
      --distance-weight SHARE
                              a parent's own distance against that to it;
                              Polycast's peers only (default 0.85)
      --uplinks MODEL         unlimited, residential, campus, relay (default: as
                              the topology says)
      --rate N                packets a second and source (default 10)
      --packet-size BYTES     media in a packet (default 1000)
      --duration TIME         of virtual time (default 120s)
      --warmup TIME           before anything is measured (default: a third)
      --deadline TIME         later deliveries are late (default 1s)
      --seed N                decides everything (default 1)
      --loss SHARE            datagrams lost from host to host
      --burst-loss SHARE      time in which half of all is lost, in bursts
      --jitter SHARE          extra delay up to this share of the path's
      --duplication SHARE     datagrams that arrive twice
      --reordering SHARE      datagrams held up and overtaken
      --clock-drift SHARE     clocks run wrong by up to this
      --churn N/s             joins and departures together, once measured
      --graceful SHARE        departures that are announced (default 0.5)
      --fail N@TIME           so many die at once; may be repeated
      --crowd N@TIME          so many join within ten seconds
      --partition N@FROM-UNTIL
                              the first N hosts and the others lose each other;
                              with :out behind it, only what the N send is lost
      --trees FILE            write who fed whom in the end, a line per source
      --topology-out FILE     write the network, to use it again
      --plot DIR              write distributions as SVG there
      -J, -j, --json          print one JSON object instead of text
      --experiment NAME       E1, E2, E3, E4, E5, E6, optimum, flash-crowd,
                              conference, growth or all
      --report DIR            write pages and plots of experiments there
      --runs N                seeds of an experiment, from --seed (default 5, from
                              101)
      --quick                 experiments on small groups, to see that all works
      --swarm N               run so many random scenarios and check invariants
      --swarm-seed N          repeat one of them; with --swarm, begin there
      -h, --help              print this help and exit

    Examples:
      polycast simulate --peers 128 --fanout 6 --fail 16@60s --seed 7
          a group of 128, in which 16 die at once
      polycast simulate --topology waxman:1024 --loss 0.02 --churn 5/s --json
          loss and churn, for a program
      polycast simulate --experiment all --report docs/overlay-report
          every experiment, with pages and plots
      polycast simulate --swarm 1000
          random groups and faults, to find mistakes

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      3    a check failed or a threshold was missed
      8    a file given is not usable
      130  ended by SIGINT, in order (143: by SIGTERM)

    """,
    "completion": """
    polycast completion - print the completion script of a shell

    Usage: polycast completion SHELL

    Operands:
      SHELL                   bash, zsh or fish

    Options:
      -h, --help              print this help and exit

    Examples:
      source <(polycast completion bash)
          for this bash
      polycast completion fish > ~/.config/fish/completions/polycast.fish
          for every fish

    Exit codes:
      0    success
      2    wrong usage: verb, option, value or invite

    """,
    "help": """
    polycast help - explain a verb, or list them all

    Usage: polycast help [VERB]

    Operands:
      VERB                    what to explain

    Options:
      -h, --help              print this help and exit

    Examples:
      polycast help join
          the same as 'polycast join --help'

    Exit codes:
      0    success
      2    wrong usage: verb, option, value or invite

    """,
    "version": """
    polycast version - print the version

    Usage: polycast version

    Options:
      -h, --help              print this help and exit

    Examples:
      polycast version
          the same as 'polycast --version'

    Exit codes:
      0    success
      2    wrong usage: verb, option, value or invite

    """,
]
