package token

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	api "github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/webhook-server/serving"
)

// finder answers the client with an id, or nil.
type finder func(id string) (*serving.Client, api.Dialect)

// authenticated is a client whose secret was right.
type authenticated struct {
	client       *serving.Client
	credentialID string
	dialect      api.Dialect
}

// failure says why authentication failed, for the log only: the answer is the same for all.
type failure struct {
	// known is the client that was named, when there is one.
	known  *serving.Client
	reason string
}

// authenticate compares every pair with the live secrets of the client it names and answers nil when none is right. An unknown client
// costs what a known one does: its secret is hashed and compared with the decoy.
func (d decoy) authenticate(find finder, pairs []pair, now time.Time) (*authenticated, failure) {
	var right *authenticated
	why := failure{reason: "unknown client"}
	for _, p := range pairs {
		client, dialect := find(p.id)
		presented := api.DigestSecret(p.secret)
		credentials := d.credentials
		if client != nil {
			credentials = client.Credentials
			why = failure{client, "wrong secret"}
		}
		// No early end: how long this takes tells nothing of which secret was the right one.
		for i := range credentials {
			c := &credentials[i]
			if !c.Digest.Equal(presented) || client == nil {
				continue
			}
			switch {
			case client.Suspended:
				why.reason = "client is suspended"
			case !live(c, now):
				why.reason = "secret has expired"
			default:
				right = &authenticated{client, c.ID, dialect}
			}
		}
	}
	return right, why
}

// live says whether a credential has not expired.
func live(c *api.Credential, now time.Time) bool {
	return c.ExpiresAt.IsZero() || now.Before(c.ExpiresAt)
}

// decoy stands in for the credentials of a client that does not exist.
type decoy struct{ credentials []api.Credential }

func newDecoy() decoy {
	var digest [sha256.Size]byte
	_, _ = rand.Read(digest[:]) // it never fails: crypto/rand ends the program instead
	return decoy{[]api.Credential{{Digest: digest}}}
}
