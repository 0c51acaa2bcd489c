package translate

import (
	"slices"
	"time"

	"github.com/d1gateway/d1gateway/api/serving"
	"github.com/d1gateway/d1gateway/api/v1alpha1"
)

const (
	// successorLead is how long before its first signature a successor is published.
	successorLead = time.Hour
	// propagation is how long every server needs at most to learn a key: the lead of one that cannot wait.
	propagation = 10 * time.Second
	// retirementMargin covers clock skew after the last token of a key has expired.
	retirementMargin = 2 * time.Minute
)

// signingKeys answers the keys that verify at in.Now, in the order they sign, and when time alone will change them.
func signingKeys(in GatewayInput) ([]serving.SigningKey, time.Time, error) {
	spec := in.Gateway.Spec.AccessTokens
	algorithm := serving.Algorithm(spec.Algorithm)
	rotation := time.Duration(spec.KeyRotationDays) * 24 * time.Hour

	keys := retireKeys(timeline(in), longestLifetime(in), in.Now)
	if len(keys) == 0 {
		key, err := newSigningKey(in, algorithm, in.Now)
		if err != nil {
			return nil, time.Time{}, err
		}
		keys = append(keys, key)
	}
	if keys[len(keys)-1].Algorithm != algorithm {
		keys = withoutPending(keys, in.Now)
	}
	newest := keys[len(keys)-1]
	due := newest.SignsFrom.Add(rotation)
	soonest := later(in.Now.Add(propagation), newest.SignsFrom.Add(propagation))
	switch {
	case newest.Algorithm != algorithm:
		key, err := newSigningKey(in, algorithm, soonest)
		if err != nil {
			return nil, time.Time{}, err
		}
		keys = append(keys, key)
	case !in.Now.Before(due.Add(-successorLead)):
		key, err := newSigningKey(in, algorithm, later(due, soonest))
		if err != nil {
			return nil, time.Time{}, err
		}
		keys = append(keys, key)
	}
	return keys, nextKeyChange(keys, rotation, longestLifetime(in)), nil
}

// timeline answers the previous keys in the order they sign. With a previous Gateway document these are the ones it names, for it decides
// what was dropped, and any made later than all of those: then the operator stopped between writing the secrets and the document.
func timeline(in GatewayInput) []serving.SigningKey {
	if in.PreviousSecrets == nil {
		return nil
	}
	keys := slices.Clone(in.PreviousSecrets.SigningKeys)
	if in.Previous != nil {
		var latest time.Time
		named := func(k serving.SigningKey) bool { return slices.Contains(in.Previous.SigningKeys, k.ID) }
		for _, k := range keys {
			if named(k) {
				latest = later(latest, k.CreatedAt)
			}
		}
		keys = slices.DeleteFunc(keys, func(k serving.SigningKey) bool { return !named(k) && !k.CreatedAt.After(latest) })
	}
	slices.SortStableFunc(keys, func(a, b serving.SigningKey) int { return a.SignsFrom.Compare(b.SignsFrom) })
	return keys
}

// retireKeys drops each key whose last token has expired: its successor signs since longer than a token lives.
func retireKeys(keys []serving.SigningKey, lifetime time.Duration, now time.Time) []serving.SigningKey {
	for len(keys) > 1 && !now.Before(retirement(keys[1], lifetime)) {
		keys = keys[1:]
	}
	return keys
}

func retirement(successor serving.SigningKey, lifetime time.Duration) time.Time {
	return successor.SignsFrom.Add(lifetime + retirementMargin)
}

// withoutPending drops the successors that no server signs with yet, before another algorithm takes over. One that is about to sign stays, for
// a server's clock may be ahead. The first key stays in any case.
func withoutPending(keys []serving.SigningKey, now time.Time) []serving.SigningKey {
	for len(keys) > 1 && keys[len(keys)-1].SignsFrom.After(now.Add(propagation)) {
		keys = keys[:len(keys)-1]
	}
	return keys
}

func newSigningKey(in GatewayInput, algorithm serving.Algorithm, signsFrom time.Time) (serving.SigningKey, error) {
	private, err := in.Generate.SigningKey(algorithm)
	if err != nil {
		return serving.SigningKey{}, err
	}
	return serving.SigningKey{ID: in.Generate.ID(), Algorithm: algorithm, PrivateKey: private, CreatedAt: in.Now, SignsFrom: signsFrom}, nil
}

// longestLifetime answers the longer of the lifetimes of tokens issued so far and from now on.
func longestLifetime(in GatewayInput) time.Duration {
	seconds := int(in.Gateway.Spec.AccessTokens.LifetimeSeconds)
	if in.Previous != nil {
		seconds = max(seconds, in.Previous.AccessTokenSeconds)
	}
	return time.Duration(seconds) * time.Second
}

func nextKeyChange(keys []serving.SigningKey, rotation, lifetime time.Duration) time.Time {
	next := keys[len(keys)-1].SignsFrom.Add(rotation - successorLead)
	if len(keys) > 1 {
		next = sooner(next, retirement(keys[1], lifetime))
	}
	return next
}

func signingKeyStatus(keys []serving.SigningKey) []v1alpha1.SigningKeyStatus {
	// The status holds at most 32; somebody who changes the algorithm back and forth sees the newest ones.
	const most = 32
	keys = keys[max(0, len(keys)-most):]
	var all []v1alpha1.SigningKeyStatus
	for _, k := range keys {
		all = append(all, v1alpha1.SigningKeyStatus{ID: k.ID, Algorithm: v1alpha1.SigningAlgorithm(k.Algorithm), SignsFrom: statusTime(k.SignsFrom)})
	}
	return all
}
