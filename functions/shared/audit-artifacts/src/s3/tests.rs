mod conditions;
mod patience;
mod signature;
mod uploads;
