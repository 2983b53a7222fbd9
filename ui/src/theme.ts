/// Light or dark: as the system is, unless somebody chose. Kept in this browser only.

export type Theme = 'system' | 'light' | 'dark'
const key = 'hallmark-theme'

export function theme(): Theme {
  try {
    const kept = localStorage.getItem(key)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}

export function setTheme(to: Theme): void {
  if (to === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = to
  try {
    if (to === 'system') localStorage.removeItem(key)
    else localStorage.setItem(key, to)
  } catch {
    // A browser that keeps nothing still shows it for now.
  }
}
