/// The reviewed help of the verbs that join no group.
let storedToolHelp: [String: String] = [
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
    "doctor": """
    polycast doctor - say why multicast does not work here, and what to do

    Usage: polycast doctor [OPTION]... [GROUP]

    Looks at what lets a group arrive on this host and leave it: interface, route,
    reverse path filter, forwarding, hop limit, firewall, bridges and queriers,
    limits, buffers, loopback, clock; with an invite at its rendezvous, NAT and
    path MTU. Each check passes, warns, fails or says why it cannot see; what is
    not well has a cause and a command that mends it. Nothing is changed.

    Two doctors test the path between them, both ways: one with --listen, the other
    with --with.

    Best run as root: firewall rules need CAP_NET_ADMIN, listening for queries
    CAP_NET_RAW.

    Operands:
      GROUP                   G, G:PORT, G+N for N groups, S,G with a source, or an
                              invite, whose rendezvous is then tried

    Options:
      -i, --interface IF      look at this one (default: that of the route to the
                              group)
      --ttl N                 hop limit that the group is sent with (default 1)
      --querier-wait TIME     listen this long for membership queries (default 3s)
      --with HOST:PORT        test the path to the doctor that listens there
      --listen ADDRESS:PORT   answer another doctor, at port 7401 if none is given
      --duration TIME         end listening by itself (default: at a signal)
      -J, -j, --json          print one JSON object instead of text
      -h, --help              print this help and exit

    Examples:
      polycast doctor 239.1.2.3 --interface eth0
          why does this group not arrive?
      polycast doctor 192.0.2.1,232.1.2.3:5004
          a group with one source
      polycast doctor polycast://192.0.2.1:7400/standup
          is the rendezvous reached, and is there a NAT?
      polycast doctor 239.1.2.3 --listen 0.0.0.0
          on one host, and on the other:
      polycast doctor 239.1.2.3 --ttl 16 --with 192.0.2.7
          the path between both

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite
      3    a check failed or a threshold was missed
      5    a permission is missing
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
    "bench": """
    polycast bench - measure the data path against a bare loop of system calls

    Usage: polycast bench [OPTION]... WHAT

    Feeds packets over loopback to a forwarder, which sends copies to so many
    sinks, turn by turn to a plain loop of the same system calls without any
    protocol, which is the limit, and to Polycast's own data path. Forward counts
    copies per second of processor time; latency is what a hop takes at half of the
    load that the bare loop bears. Forward with several workers is compared with
    one instead, on packets that have arrived already. Paced is the processor time
    of a copy at 2000 packets a second. Growth is that of a copy that is read at
    once, compared with one child instead, or, with --streams, with one stream.
    Seal counts packets sealed end to end, against a plain loop of the cipher's
    calls; link counts short control datagrams sealed and opened, and handshakes,
    against the bare cipher and the bare key agreements. Inspect counts packets of
    a 300 MB capture, against a plain libpcap loop that counts RTP.

    Operands:
      WHAT                    forward, latency, paced, growth, seal, link, inspect

    Options:
      --children N            sinks that get a copy (default 16)
      --streams N             streams that the packets belong to (default 1)
      --size BYTES            UDP payload of each packet (default 1200)
      --workers N             compare forward by so many sending threads with that
                              by one
      --rounds N              how often each is measured (default 40)
      --rival PID:PORT        compare paced with that process, which receives at
                              PORT of 127.0.0.1
      --sink-port PORT        the first sink's port, to be told to a rival
      --keep FILE             keep the capture that inspect makes, for other
                              programs
      --no-gso                a message for each datagram, as on kernels without
                              segmentation
      -J, -j, --json          print a JSON object for each figure instead of text
      -h, --help              print this help and exit

    Examples:
      polycast bench forward --children 16 --size 1200
          copies for 16 neighbors
      polycast bench forward --workers 2 --children 64
          what a second sending thread is worth
      polycast bench latency --children 4 --json
          what one hop adds, for a program

    Exit codes:
      0    success
      1    failure while running
      2    wrong usage: verb, option, value or invite

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
