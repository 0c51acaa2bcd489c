package serving

// Served says how far the documents are in force.
type Served struct {
	// ConfigMaps and Secrets are the resourceVersions up to which every change of the ConfigMaps and Secrets with documents is in force, but
	// for the Problems. They are empty before the cluster has been read, and for a source that has no versions.
	ConfigMaps, Secrets string
	// Documents is how many there are, those with problems included.
	Documents int
	// Problems are ordered by object.
	Problems []Problem
}

// Served answers what belongs together: the versions, and the problems of the documents up to them.
func (s *State) Served() Served {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Served{ConfigMaps: s.configMapsVersion, Secrets: s.secretsVersion, Documents: len(s.versions), Problems: s.list()}
}

// Changes is sent to after a Snapshot was published or a version of Served changed. It is buffered by one, for one reader: any number of
// changes is one signal.
func (s *State) Changes() <-chan struct{} { return s.changes }

// Stale says that what is served comes from the last good copy on disk: the API server has not answered since the start.
func (s *State) Stale() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stale
}

// reach takes over the versions of a batch and says whether they changed.
func (s *State) reach(b Batch) bool {
	changed := false
	for _, version := range []struct {
		known   *string
		reached string
	}{{&s.configMapsVersion, b.ConfigMaps}, {&s.secretsVersion, b.Secrets}} {
		if version.reached != "" && *version.known != version.reached {
			*version.known, changed = version.reached, true
		}
	}
	return changed
}

func (s *State) signal() {
	select {
	case s.changes <- struct{}{}:
	default:
	}
}
