package postgres

import (
	"slices"
	"testing"
	"time"

	"github.com/d1gateway/d1gateway/webhook-server/store"
)

// A standby that becomes the primary without the newest rows is told of by nothing but the end of all connections.
func TestALaneThatAFailoverHasLostIsEnteredAgain(t *testing.T) {
	both := openTwo(t)
	one, two := both[0], both[1]
	mustAppend(t, one, due("msg_1", "a/b/lost"))
	execute(t, one, "DELETE FROM notification; DELETE FROM lane")
	cutConnections(t, one)
	n := due("msg_2", "a/b/lost")
	appendSoon(t, one, n)
	var lanes []string
	waitFor(t, func() (ok bool) { // its connections are gone too
		var err error
		lanes, err = two.DueLanes(t.Context(), began().Add(time.Second))
		return err == nil
	})
	if !slices.Equal(lanes, []string{"a/b/lost"}) {
		t.Errorf("due lanes %v", lanes)
	}
	if d := claimOne(t, two, "a/b/lost", began().Add(time.Second)); d.ID != "msg_2" {
		t.Errorf("claimed %s", d.ID)
	}
}

func TestAReplicaThatKnowsALaneFromBeforeAFailoverClaimsNoOthers(t *testing.T) {
	both := openTwo(t)
	mustAppend(t, both[0], due("msg_1", "a/b/one"))
	claimOne(t, both[0], "a/b/one", began())
	execute(t, both[0], "DELETE FROM notification; DELETE FROM lane")
	mustAppend(t, both[1], due("msg_2", "a/b/two"))
	if claimed, err := both[0].Claim(t.Context(), "a/b/one", began(), 10, time.Minute); err != nil || len(claimed) != 0 {
		t.Errorf("claimed %v of another lane, %v", claimed, err)
	}
}

func TestARowWhoseLaneHasNoNameHoldsNoOtherUp(t *testing.T) {
	s := openForTest(t)
	mustAppend(t, s, due("msg_1", "a/b/good"), due("msg_2", "a/b/nameless"))
	s = openAt(t, s.pool.Config().ConnString()) // one that has no name in memory
	execute(t, s, "DELETE FROM lane WHERE name = 'a/b/nameless'")
	if lanes, err := s.DueLanes(t.Context(), began()); err != nil || !slices.Equal(lanes, []string{"a/b/good"}) {
		t.Errorf("due lanes %v, %v", lanes, err)
	}
	if stats, err := s.Lanes(t.Context()); err != nil || len(stats) != 1 || stats[0].Lane != "a/b/good" {
		t.Errorf("lanes %v, %v", stats, err)
	}
	records, err := s.List(t.Context(), store.Filter{})
	if err != nil || len(records) != 2 || records[0].Lane+records[1].Lane != "a/b/good" {
		t.Errorf("listed %v, %v", records, err)
	}
}

func TestTwoLanesWithOneNumberAreNotMixedUp(t *testing.T) {
	s := openForTest(t)
	execute(t, s, "INSERT INTO lane VALUES ($1, 'a/b/other')", laneID("a/b/c"))
	for range 2 { // the first is refused by what the database says, the second by what is known
		if _, err := s.Append(t.Context(), due("msg_1", "a/b/c")); err == nil {
			t.Error("a notification was put into another's lane")
		}
	}
	mustAppend(t, s, due("msg_2", "a/b/good"))
}
