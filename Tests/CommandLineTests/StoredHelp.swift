/// The reviewed help of every verb; the empty name is the program's.
///
/// After a wanted change, paste what the failing test prints.
let storedHelp: [String: String] = storedToolHelp.merging([
    "": """
    polycast - live media for a group, carried by the members' own machines

    Usage: polycast VERB [OPTION]... [OPERAND]

    Verbs:
      rendezvous  run the server where members find each other
      invite      make the invite of a new group, or that of a relay
      join        join a group: publish, forward and deliver its media
      relay       lend this host's uplink to a group, without its media
      status      show the links and streams of a peer on this host
      members     list the members of a group
      tree        show a peer's parent and children for every source
      leave       make a peer on this host leave its group and end
      capture     capture packets, print them or write them to pcapng files
      inspect     tell what multicast does in a capture or on an interface
      doctor      say why multicast does not work here, and what to do
      demo        run a rendezvous and five peers here, with real video
      simulate    try the overlay on simulated networks
      bench       measure the data path against a bare loop of system calls
      completion  print the completion script of a shell
      help        explain a verb, or list them all
      version     print the version

    Options:
      -h, --help              print this help and exit
      -V, --version           print the version and exit

    Examples:
      polycast rendezvous
      polycast invite standup --rendezvous 192.0.2.1:7400
      polycast join polycast://192.0.2.1:7400/standup --publish cam.sdp
      polycast relay polycast://192.0.2.1/standup#relay-SECRET --uplink 100M
      polycast status
      polycast members
      polycast tree
      polycast leave --name ada
      polycast capture -i eth0 --group 239.1.2.3
      polycast inspect lecture.pcapng
      polycast doctor 239.1.2.3 --interface eth0
      polycast demo
      polycast simulate --peers 128 --fanout 6 --fail 16@60s --seed 7
      polycast bench forward --children 16 --size 1200
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
    "invite": """
    polycast invite - make the invite of a new group, or that of a relay

    Usage: polycast invite [OPTION]... GROUP

    Prints an invite with a new secret. Who has it can take part: see, hear and
    publish. The rendezvous never learns it. With --relay, makes of a member's
    invite the one that lets a machine forward the group's media and not read it.

    Operands:
      GROUP                   the group's name; with --relay a member's invite,
                              @FILE that holds it, or -

    Options:
      --rendezvous HOST:PORT  where the group's members find each other
      --relay                 make the invite of a relay
      -h, --help              print this help and exit

    Examples:
      polycast invite standup --rendezvous 192.0.2.1:7400
          a private group
      polycast invite --relay polycast://192.0.2.1/standup#SECRET
          of that group, for a machine that only forwards

    Exit codes:
      0    success
      2    wrong usage: verb, option, value or invite

    """,
    "join": """
    polycast join - join a group: publish, forward and deliver its media

    Usage: polycast join [OPTION]... INVITE

    Becomes a member of the group that the invite
    polycast://HOST[:PORT]/GROUP#SECRET names, and forwards its media to other
    members within the uplink. Media is sealed from source to receiver. Without a
    secret the group is public: whoever knows its name can take part.

    On a terminal one line shows the state; a summary follows at the end.

    Operands:
      INVITE                  polycast://HOST[:PORT]/GROUP[#SECRET], @FILE that
                              holds it, or - to read it

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
      --parity                exchange parity with neighbors that do, too, on links
                              that lose packets: over long ways repair is sooner,
                              for more traffic
      --workers N             threads that send, for more than one processor bears
                              (default 1)
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
    "relay": """
    polycast relay - lend this host's uplink to a group, without its media

    Usage: polycast relay [OPTION]... INVITE

    Forwards a group's media between members and keeps no key to read it with.
    Needs a relay's invite (polycast invite --relay), or forgets what a member's
    invite would let it read.

    Operands:
      INVITE                  polycast://HOST[:PORT]/GROUP[#SECRET], @FILE that
                              holds it, or - to read it

    Options:
      --name NAME             this member's name (default: made from the host's)
      --uplink RATE           what may be sent in all, such as 4M (default 10M)
      --bind ADDRESS:PORT     local UDP address (default [::]:0, a free port)
      --fanout N              children per source at most (default: by the uplink)
      --parity                exchange parity with neighbors that do, too, on links
                              that lose packets: over long ways repair is sooner,
                              for more traffic
      --workers N             threads that send, for more than one processor bears
                              (default 1)
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
      polycast relay polycast://192.0.2.1/standup#relay-SECRET --uplink 100M
          on a machine with a good uplink

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
]) { $1 }.merging(storedCaptureHelp) { $1 }
