/// The records that the API answers with: what `hallmark NOUN VERB --json` prints.

export const severities = ['critical', 'high', 'medium', 'low', 'info', 'unknown'] as const
export type Severity = (typeof severities)[number]
export type Counts = Record<Severity, number>

export interface Image {
  account_id: string
  created_at: string
  evidence_digest: string
  image_id: string
  image_key: string
  kept_until: string
  os: string
  product: string
  region: string
  requested_by: string
  run_id: string
  source_image_id: string
  state: string
  state_reason: string
  state_since: string
  updated_at: string
  version: string
}

export interface Assessment {
  assessed_at: string
  assessment_id: string
  completeness: string
  digest: string
  findings: number
  gaps: number
  packages: number
  purpose: string
  scanner: string
}

export interface Decision {
  approve: boolean
  approver: string
  comment: string
  decided_at: string
  evidence_digest?: string
}

export interface Target {
  account_id: string
  delivery: string
  detail: string
  image_id: string
  region: string
  state: string
  updated_at: string
}

export interface PlaceParameter {
  account_id: string
  region: string
  name: string
  value: string | null
  latest: boolean
}

export interface ImageShown {
  image: Image
  archives: { region: string; bucket: string; object: string; archived_at: string }[]
  assessments: Assessment[]
  decisions: Decision[]
  parameters: PlaceParameter[]
  targets: Target[]
}

export interface Finding {
  id: string
  kind: string
  severity: Severity
  package: string
  installed_version: string
  fixed_version: string
  known_exploited: boolean
  title: string
  scanners?: string[]
  suppressed?: boolean
  verdict?: string
  why?: string
}

export interface Change {
  since: string
  completeness_then: string
  scanners: string[]
  introduced: Finding[]
  fixed: Finding[]
  unchanged: number
}

export interface ScannerLook {
  scanner: string
  version: string
  profile: string
  assessed_at: string
  completeness: string
  reasons: string[]
  login: string
  hardening_score: number | null
  packages: number
  findings: number
  counts: Counts
  gaps: { what: string; reason: string }[]
  advisories: { name: string; valid_from: string; fetched_at: string }[]
}

export interface Report {
  image_key: string
  image_id: string
  run_id: string
  approved: boolean
  completeness: string
  counts: Counts
  packages: number
  distribution: string
  disk_sha256: string
  evidence_digest: string
  made_at: string
  decisions: Decision[]
  findings: Finding[]
  scanners: ScannerLook[]
  change_since_previous: Change | null
  change_since_source: Change | null
  rules: { failures: string[]; passes: string[]; reviews: string[]; warnings: string[] }
}

export interface Fault {
  kind: string
  message: string
  hint?: string
  notes?: string[]
}

export interface Run {
  run_id: string
  workflow: string
  subject: string
  state: string
  waiting_for: string | null
  wake_at: string | null
  cancel_requested: boolean
  lease_owner: string | null
  created_at: string
  updated_at: string
  ended_at: string | null
  error: Fault | null
}

export interface Step {
  key: string
  kind: string
  state: string
  attempts: number
  started_at: string
  ended_at: string | null
  elapsed_ms: number | null
  deadline: string | null
  result: unknown
  error: Fault | null
}

export interface RunShown {
  run: Run
  steps: Step[]
  why: string[] | null
}

export interface TreeNode {
  children: string[]
  depth: number
  image_id: string
  kind: string
  marks: string[]
  name: string
  parent: string | null
  state?: string
  vulnerable?: boolean
  retired?: boolean
  created_at?: string
  run_id?: string
}

export const verdicts = ['non-compliant', 'unknown', 'superseded', 'derived', 'exempt', 'compliant'] as const
export type Verdict = (typeof verdicts)[number]
export type VerdictCounts = Record<Verdict, number>

export interface Machine {
  account_id: string
  region: string
  kind: string
  machine_id: string
  name: string
  image_id: string
  image_key: string
  launched_at: string
  launched_by: string
  state: string
  verdict: Verdict
  compliant: boolean
  reason: string
}

/// A check, or what the last check of each place said: then with when that was, null if there was none.
export interface Compliance {
  checked_at: string | null
  compliant: boolean
  counts: VerdictCounts
  accounts: { account_id: string; counts: VerdictCounts }[]
  places: { account_id: string; region: string; counts: VerdictCounts; problems: string[]; checked_at?: string }[]
  machines: Machine[]
  warnings: string[]
}

export interface TrendDay {
  day: string
  checked: number
  fine: number
  places: number
  places_with_problems: number
  compliant_share: number
  counts: VerdictCounts
}

export interface Age {
  open: number
  waived: number
  fixed: number
  oldest_age_seconds: number
  median_age_seconds: number
  median_time_to_fix_seconds: number
  mean_time_to_fix_seconds: number
}

/// What was open at the end of a day; severities without any are left out.
export interface FindingDay {
  day: string
  open: Partial<Counts>
}

export interface Ages {
  all: Partial<Record<Severity, Age>>
  history?: { all: FindingDay[]; products: { product: string; days: FindingDay[] }[] }
  products: { product: string; severities: Partial<Record<Severity, Age>> }[]
}

export interface Offer {
  product: string
  product_id: string
  portfolio_id: string
  versions: { version: string; state: string; created_at: string }[]
}

export interface Launched {
  id: string
  name: string
  product: string
  state: string
  state_reason: string
  created_at: string
  outputs: Record<string, string>
}

export interface AuditEntry {
  sequence: number
  at: string
  actor: string
  action: string
  subject: string
  detail: unknown
  key_id: string
  previous: string
}

export interface AuditVerified {
  entries: number
  intact: boolean
  key_id: string
  last_digest: string
  problems: unknown[]
}

export interface Channel {
  channel: string
  image_key: string
  moved_at: string
  moved_by: string
}

/// A file as it travels: text, or base64 if it is none.
export interface SentFile {
  name: string
  content?: string
  base64?: string
}
