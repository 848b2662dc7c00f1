"""Pairs of sentences, the earlier one first, that contradict each other, and many that only share a word."""

from __future__ import annotations

import pytest

from mem.stance import disagreement, stances
from mem.text import MAX_TEXT

AGAINST = [
    ("I use tabs.", "I no longer use tabs, I prefer spaces."),
    ("I prefer tabs.", "I no longer use tabs, I prefer spaces."),
    ("We use MySQL.", "We decided to use Postgres instead of MySQL."),
    ("We chose Jenkins.", "We switched from Jenkins to GitHub Actions."),
    ("We use Jenkins for nightly builds.", "We no longer use Jenkins."),
    ("We're going with Heroku.", "We moved from Heroku to Fly.io last spring."),
    ("We use Redux.", "We replaced Redux with Zustand."),
    ("I use Vim.", "I stopped using Vim."),
    ("I prefer tea over coffee.", "I prefer coffee over tea."),
    ("I prefer tabs to spaces.", "I prefer spaces to tabs."),
    ("I prefer coffee.", "I prefer tea rather than coffee."),
    ("Always squash commits.", "Never squash commits."),
    ("Always deploy on Fridays.", "Never deploy on Fridays."),
    ("Always rebase before merging.", "Don't rebase before merging."),
    ("Always use type hints.", "Never use type hints."),
    ("Use double quotes.", "Use single quotes, not double quotes."),
    ("I like long meetings.", "I hate long meetings."),
    ("I like emojis in commit messages.", "I don't like emojis in commit messages."),
    ("We use feature flags in the mobile app.", "We don't use feature flags in the mobile app."),
    ("The default branch is main.", "The default branch is trunk, not main."),
    ("The default branch is main.", "The default branch is no longer main."),
    ("The retry limit is 5.", "The retry limit is not 5."),
    ("Kafka is our queue.", "We replaced Kafka with NATS."),
    ("The billing service uses Redis.", "The billing service no longer uses Redis."),
    ("Maya prefers Slack.", "Maya prefers email over Slack."),
    ("The API always returns JSON.", "The API never returns JSON."),
    ("We settled on Terraform.", "We switched to Pulumi from Terraform."),
    ("For orders we use MySQL.", "We use Postgres instead of MySQL for orders."),
    ("We'll use npm.", "We'll use pnpm instead of npm because it is faster."),
    ("Use global variables.", "Avoid global variables."),
    ("We adopted Tailwind.", "We got rid of Tailwind."),
    ("We use Slack.", "We moved off Slack."),
    ("I love mornings.", "I hate mornings."),
    ("Use tabs for indentation.", "Use spaces rather than tabs for indentation."),
    ("We're using Grafana.", "We're no longer using Grafana."),
    ("The main office is Berlin.", "The main office is no longer Berlin."),
    ("Always write tests first.", "Never write tests first."),
    ("We chose MongoDB over Postgres.", "We chose Postgres over MongoDB."),
    ("I prefer email.", "I prefer phone calls over email."),
    ("We decided to use Bazel.", "We decided not to use Bazel."),
    ("We use yarn.", "Use pnpm instead of yarn."),
    ("We deploy with Helm.", "We no longer deploy with Helm."),
    ("I drink coffee.", "I no longer drink coffee."),
    ("Our CI is CircleCI.", "We switched from CircleCI to Buildkite."),
    ("The team uses Scrum.", "The team no longer uses Scrum."),
    ("I like being called by phone.", "I don't like being called by phone."),
]

BESIDE = [
    ("I love mornings.", "Maya hates mornings."),
    ("We use Slack for incidents.", "We don't use Slack for approvals."),
    ("I prefer email for invoices.", "I prefer phone calls over email for incidents."),
    ("Bazel is slow.", "We decided to use Bazel."),
    ("The main office is Berlin.", "We have an office in Berlin, not in Bonn."),
    ("I use Vim.", "I use Emacs instead of Sublime."),
    ("Always write tests.", "Never write tests for prototypes."),
    ("We use Grafana.", "Grafana is not installed on the laptop."),
    ("I like dogs.", "I don't like hot dogs."),
    ("We use Postgres 16.", "We stopped using Postgres 12."),
    ("The port is 80.", "The admin port is not 80."),
    ("Use React for the dashboard.", "Avoid React for emails."),
    ("Never deploy on Fridays.", "We always deploy from main."),
    ("I prefer tea.", "I like coffee."),
    ("We moved to Lisbon.", "We moved from Porto to Lisbon."),
    ("I use tabs.", "I use spaces."),
    ("I use tabs.", "Maya no longer uses tabs."),
    ("I use tabs.", "I don't use tabs in Python."),
    ("I use tabs in Makefiles.", "I don't use tabs in Python."),
    ("I use browser tabs a lot.", "I no longer use tabs."),
    ("I like coffee.", "I prefer tea over coffee."),
    ("We use Postgres for orders.", "We use SQLite instead of Postgres for tests."),
    ("We use MySQL for analytics.", "We use Postgres instead of MySQL for orders."),
    ("The billing service uses Redis.", "The search service no longer uses Redis."),
    ("The billing service uses Redis.", "We no longer use Redis on laptops."),
    ("Redis listens on port 6380.", "We no longer use Redis."),
    ("Jenkins runs on port 8080.", "We switched from Jenkins to GitHub Actions."),
    ("The Jenkins password is in the vault.", "We replaced Jenkins with GitHub Actions."),
    ("We might use Kafka.", "We no longer use Kafka."),
    ("We used to use Kafka.", "We no longer use Kafka."),
    ("We considered using Kafka.", "We chose NATS over Kafka."),
    ("Should we use Kafka?", "We no longer use Kafka."),
    ("If you use Kafka, read the runbook.", "We no longer use Kafka."),
    ("To use the VPN, start the client.", "Never use the VPN."),
    ("Always deploy on Tuesdays.", "Never deploy on Fridays."),
    ("Always run the tests.", "Never run the tests on main."),
    ("Always squash commits.", "Never squash merge commits."),
    ("The API always returns JSON.", "The importer never returns JSON."),
    ("Always answer in English.", "Never answer in German."),
    ("I like meetings.", "I hate long meetings."),
    ("I love Python.", "I don't like Python 2."),
    ("We use Python 3.", "We no longer use Python 2."),
    ("The default branch is main.", "The default region is not main."),
    ("The default branch is main.", "The release branch is stable, not main."),
    ("The retry limit is 5.", "The retry limit is 7."),
    ("Postgres is the store of record.", "MySQL is not the store of record."),
    ("Kafka is our queue.", "NATS is no longer our queue."),
    ("We moved from Berlin to Lisbon.", "The Berlin office closes at six."),
    ("We switched from Jest to Vitest.", "Jest snapshots are in the old branch."),
    ("We switched from Jest to Vitest.", "We switched from Mocha to Vitest."),
    ("I prefer short answers.", "I prefer answers with the reason first."),
    ("I prefer dark mode.", "I prefer light mode on paper displays."),
    ("Bob likes peanuts.", "My daughter hates peanuts."),
    ("I like tea with milk.", "I don't like tea with lemon."),
    ("Use double quotes in JSON.", "Avoid double quotes in shell scripts."),
    ("We use feature flags in the web app.", "We don't use feature flags in the mobile app."),
    ("Use the staging database for demos.", "Never use the production database for demos."),
    ("We chose Stripe for payments.", "We stopped using Stripe Radar."),
    ("We picked GraphQL for the public API.", "The internal API does not use GraphQL."),
    ("Deploy with make release.", "We replaced make with just."),
    ("We replaced Jenkins with GitHub Actions.", "We replaced Travis with GitHub Actions."),
    ("There is no staging cluster.", "There is a staging cluster in Frankfurt."),
    ("It is fast.", "It is not fast."),
]


EXCEPTIONS = [
    ("We no longer use Jenkins.", "We use Jenkins for nightly builds."),
    ("I no longer use tabs, I prefer spaces.", "I use tabs in Makefiles."),
    ("Never use global variables.", "Use global variables in benchmarks."),
]


@pytest.mark.parametrize(("earlier", "later"), AGAINST, ids=str)
def test_what_one_affirms_and_the_other_rejects_is_a_disagreement(earlier: str, later: str) -> None:
    assert disagreement(later, earlier) is not None


@pytest.mark.parametrize(("earlier", "later"), [(b, a) for a, b in AGAINST if " for " not in a + b], ids=str)
def test_which_of_the_two_was_first_makes_no_difference(earlier: str, later: str) -> None:
    assert disagreement(later, earlier) is not None


@pytest.mark.parametrize(("earlier", "later"), EXCEPTIONS, ids=str)
def test_an_exception_after_a_rule_is_no_disagreement(earlier: str, later: str) -> None:
    assert disagreement(later, earlier) is None
    assert disagreement(earlier, later) is not None


@pytest.mark.parametrize(("one", "other"), BESIDE, ids=str)
def test_sentences_that_only_share_words_do_not_disagree(one: str, other: str) -> None:
    assert disagreement(one, other) is None
    assert disagreement(other, one) is None


@pytest.mark.parametrize("sentence", sorted({one for pair in (*AGAINST, *BESIDE) for one in pair}))
def test_no_sentence_disagrees_with_itself(sentence: str) -> None:
    assert disagreement(sentence, sentence) is None


@pytest.mark.parametrize(
    "unit", ("use ", "no longer ", "a instead of ", "a is ", "always ", "from ", "a to ", ", not ")
)
def test_a_hostile_text_is_looked_at_in_its_beginning_alone(unit: str) -> None:
    content = unit * (MAX_TEXT // len(unit))
    assert stances(content) == stances(content[:2_000])
