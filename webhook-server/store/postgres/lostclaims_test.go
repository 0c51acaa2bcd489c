package postgres

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestAClaimWhoseAnswerWasLostIsHandedOutAgainAtOnce(t *testing.T) {
	s, p := openBehindProxy(t)
	mustAppend(t, s, due("msg_1", "a/b/c"))
	if claimed, err := s.Claim(t.Context(), "empty", began(), 1, time.Hour); err != nil || len(claimed) != 0 { // the connection now knows the statement
		t.Fatal(claimed, err)
	}
	p.set(deaf)
	if _, err := s.Claim(t.Context(), "a/b/c", began(), 1, time.Hour); err == nil {
		t.Fatal("an answer came through")
	}
	p.heal()
	if len(s.lost.all) != 1 {
		t.Fatalf("%d claims are remembered as lost", len(s.lost.all))
	}
	claimOne(t, s, "a/b/c", began().Add(time.Second))
	if len(s.lost.all) != 0 {
		t.Errorf("%d claims are still remembered as lost", len(s.lost.all))
	}
}

func TestOnlyWhatMayHaveBeenCommittedIsRememberedAndNotForEver(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"the server refused it":          {&pgconn.PgError{Code: "40001"}, false},
		"there was no connection":        {&pgconn.ConnectError{}, false},
		"the connection ended meanwhile": {fmt.Errorf("claiming: %w", errNoURL), true},
	} {
		if maybeCommitted(c.err) != c.want {
			t.Errorf("%s: %t", name, !c.want)
		}
	}
	var lost lostClaims
	for i := range int64(2 * mostLost) {
		lost.add(lostClaim{until: began().UnixMilli() + i})
	}
	if all := lost.take(began().Add(10 * time.Millisecond)); len(all) != mostLost-11 || all[0].until != began().UnixMilli()+11 {
		t.Errorf("%d are left: %v", len(all), all)
	}
}
