# Swaps what lies in these queues for something else, again and again, until it
# is killed. Run as the mail owner; works in the queue directory. Nobody else
# may do the same in the same queues.
use strict;
use POSIX ();
my ($outside, $linked, $seed, @queues) = @ARGV;
srand $seed;
my @ids = map { sprintf "A%04dAA", $_ } 0 .. 7;
my $made = 0;

sub pick { $_[int rand @_] }

sub regular {
    my ($new) = @_;
    open my $file, '>', $new or return;
    print $file "T\x0c1700000000 0S\x0ds\@example.comR\x0er\@dest.exampleM\x00X\x00E\x00";
    close $file;
    chmod 0700, $new;
}

# Gives a name to something new, whatever had it before.
sub swap {
    my ($path) = @_;
    my $kind = int rand 7;
    my $new = "saved/new.$$." . $made++;
    if    ($kind <= 1) { regular $new }
    elsif ($kind == 2) { symlink "$outside/" . pick(@ids), $new }
    elsif ($kind == 3) { POSIX::mkfifo $new, 0700 }
    elsif ($kind == 4) { link "$linked/of-owner", $new }
    elsif ($kind == 5) { symlink $outside, $new }
    else               { unlink $path; mkdir $path, 0700; return }
    rmdir $path;
    rename $new, $path;
    unlink $new;
}

# Has a directory lead outside for a moment.
sub lead_outside {
    my ($directory) = @_;
    rename $directory, "$directory.away" or return;
    symlink $outside, $directory;
    select undef, undef, undef, rand 0.004;
    unlink $directory;
    rename "$directory.away", $directory;
}

while (1) {
    my $queue = pick @queues;
    my $directory = $queue =~ /^def/ ? "$queue/A" : $queue;
    mkdir $directory, 0700;
    if (rand() < 0.1 && $directory ne $queue) { lead_outside $directory }
    elsif (rand() < 0.02) { swap "saved/journal.spoolbox" }
    else { swap "$directory/" . pick @ids }
}
