import Glibc

// Nothing else: closures written here would be inferred to belong to the main actor.
exit(run(CommandLine.arguments))
